// Progress and result: a video begins by itself wherever the browser allows it.
// Brings what has just begun into sight, where the bar with the buttons hides it on a phone or it stands further down.
function show(part) {
  const { top, bottom } = part.getBoundingClientRect();
  if (top < 0 || bottom > window.innerHeight - 90) part.scrollIntoView({ block: 'center', behavior: 'smooth' });
}

let running = false;
watch('value', () => {
  const status = element.querySelector('.status');
  if (status && !running) show(status);
  running = Boolean(status);
  const log = element.querySelector('.status .log');
  if (log) log.scrollTop = log.scrollHeight;
  for (const film of element.querySelectorAll('video')) {
    film.muted = true;
    film.play().catch(() => {});
  }
});
