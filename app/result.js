// Progress and result: a video begins by itself wherever the browser allows it.
// Brings what has just begun into sight, where the bar with the buttons hides it on a phone or it stands further down.
// What is above comes no further than to the buttons, where they stick to the top: they stay under the pointer.
function show(part) {
  const { top, bottom } = part.getBoundingClientRect();
  const isAbove = top < parseFloat(getComputedStyle(part).scrollMarginTop);
  if (isAbove || bottom > window.innerHeight - 90)
    part.scrollIntoView({ block: isAbove ? 'start' : 'center', behavior: 'smooth' });
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
