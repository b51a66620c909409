// A run that was opened is brought into sight, once.
watch('value', () => {
  const shown = element.querySelector('.opened');
  if (!shown || shown.dataset.seen) return;
  shown.dataset.seen = 'yes';
  const { top, bottom } = shown.getBoundingClientRect();
  if (top < 0 || bottom > window.innerHeight) shown.scrollIntoView({ block: 'start', behavior: 'smooth' });
});
