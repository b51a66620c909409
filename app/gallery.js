// The gallery of compared runs: a cell opens its run, and plays while it is pointed at; "Play all" begins them together.
// `props.progress` {run, percent, words} is about the run under way: only its cell changes, so that films play on.
const films = () => [...element.querySelectorAll('.sweep video')];

function playAll() {
  for (const film of films()) {
    film.currentTime = 0;
    film.play().catch(() => {});
  }
}

element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  if ('play' in button.dataset) playAll();
  else if ('halt' in button.dataset) trigger('halt', { ...button.dataset });
  else if ('cell' in button.dataset) trigger('cell', { ...button.dataset });
});
element.addEventListener('pointerover', (event) => {
  const film = event.target.closest('.cell')?.querySelector('video');
  if (film?.paused) film.play().catch(() => {});
});

function showProgress() {
  const { run, percent, words } = props.progress || {};
  const cell = run && element.querySelector(`[data-cell="${run}"]`);
  if (!cell?.querySelector('.bar')) return;
  cell.querySelector('.bar i').style.width = `${percent}%`;
  cell.querySelector('.bar').setAttribute('aria-valuenow', Math.round(percent));
  cell.querySelector('.told').textContent = words;
}
watch(['progress', 'value'], showProgress);
