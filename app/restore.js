// Settings come back from a video, its poster or its record: chosen, or dropped anywhere but where a photo belongs.
const LARGEST = 32 * 1024 * 1024; // what a video says of itself stands at its beginning
const zone = element.querySelector('.restore');
const file = zone.querySelector('input');

async function restore(chosen) {
  if (!chosen || zone.dataset.busy) return;
  zone.dataset.busy = 'yes';
  try {
    const { path } = await upload(new File([chosen.slice(0, LARGEST)], chosen.name, { type: chosen.type }));
    trigger('restore', { path, name: chosen.name });
    window.scrollTo({ top: 0, behavior: 'smooth' });
  } catch (error) {
    trigger('restore', { path: '', name: chosen.name });
  } finally {
    delete zone.dataset.busy;
    file.value = '';
  }
}

const holdsFile = (event) => event.dataTransfer?.types.includes('Files');
const held = (is) => zone.classList.toggle('held', is);

file.addEventListener('change', () => restore(file.files[0]));
document.addEventListener('dragover', (event) => {
  if (!holdsFile(event)) return;
  event.preventDefault();
  held(true);
});
document.addEventListener('dragleave', (event) => event.relatedTarget || held(false));
document.addEventListener('drop', (event) => held(false), true);
document.addEventListener('drop', (event) => {
  if (!holdsFile(event) || event.defaultPrevented) return;
  event.preventDefault();
  restore(event.dataTransfer.files[0]);
});
