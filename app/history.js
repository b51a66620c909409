// The history: data-NAME="..." sets off the event NAME; data-ask is a question that must be answered with yes first.
const EVENTS = ['open', 'star', 'further', 'use', 'again', 'frame', 'discard', 'restore', 'empty', 'shut'];
element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  const name = button && EVENTS.find((each) => each in button.dataset);
  if (!name || (button.dataset.ask && !window.confirm(button.dataset.ask))) return;
  trigger(name, { ...button.dataset });
});
watch('value', () => {
  const shown = element.querySelector('.opened');
  if (!shown || shown.dataset.seen) return;
  shown.dataset.seen = 'yes';
  const { top, bottom } = shown.getBoundingClientRect();
  if (top < 0 || bottom > window.innerHeight) shown.scrollIntoView({ block: 'start', behavior: 'smooth' });
});
