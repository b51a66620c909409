// The photos that are made into videos together: choosing more of them, looking at one, leaving one out.
element.addEventListener('change', async ({ target }) => {
  if (target.type !== 'file') return;
  const files = target.webkitdirectory ? photosAmong(target.files) : [...target.files];
  const list = element.querySelector('.photos');
  const sent = await uploadAll(files, props.most, (told) => (list.dataset.busy = told));
  delete list.dataset.busy;
  target.value = '';
  trigger('added', sent);
});
element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  for (const name of ['look', 'leave', 'alone']) if (button && name in button.dataset) trigger(name, { ...button.dataset });
});
