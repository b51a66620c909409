// The queue: data-NAME="..." sets off the event NAME; data-ask is a question that must be answered with yes first.
// What comes new from the server keeps what a person has folded, scrolled to and pressed.
const EVENTS = ['move', 'edit', 'cancel', 'pause', 'proceed', 'clear', 'resume', 'forgo', 'save', 'unedit'];
const all = (selector) => [...element.querySelectorAll(selector)];
let isFolded = false;
let pressed = null; // name, value and way of the last button
let editing = false;

function keyOf(button) {
  const name = EVENTS.find((each) => each in button.dataset);
  return name && [name, button.dataset[name], button.dataset.way].join(' ');
}

element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  const name = button && EVENTS.find((each) => each in button.dataset);
  if (!name || (button.dataset.ask && !window.confirm(button.dataset.ask))) return;
  pressed = keyOf(button);
  trigger(name, { ...button.dataset });
});
element.addEventListener(
  'toggle',
  (event) => {
    isFolded = !event.target.open;
  },
  true,
);
watch('value', () => {
  for (const each of all('details')) each.open = !isFolded;
  const again = pressed && !element.contains(document.activeElement) && all('button').find((each) => keyOf(each) === pressed);
  if (again) again.focus({ preventScroll: true });
  const bar = element.querySelector('.editing');
  if (bar && !editing) bar.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  editing = Boolean(bar);
});
