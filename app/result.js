// Progress and result: the buttons inside them, and a video that begins by itself wherever the browser allows it.
element.addEventListener('click', (event) => {
  const { seed, cancel } = event.target.dataset;
  if (seed !== undefined) trigger('seed', { seed });
  if (cancel !== undefined) trigger('cancel', { run: cancel });
});
let running = false;
watch('value', () => {
  const status = element.querySelector('.status');
  if (status && !running) status.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  running = Boolean(status);
  const log = element.querySelector('.status .log');
  if (log) log.scrollTop = log.scrollHeight;
  const film = element.querySelector('video');
  if (!film) return;
  film.muted = true;
  film.play().catch(() => {});
});
