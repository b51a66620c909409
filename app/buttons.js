// Buttons inside what the server sends: data-NAME="..." sets off the event NAME, with all data of the button. data-ask is
// a question that must be answered with yes first.
const EVENTS = [
  ...['seed', 'cancel', 'advice', 'download', 'halt', 'pair', 'repaint', 'reuse', 'forget'],
  ...['open', 'star', 'further', 'use', 'again', 'frame', 'passage', 'beside', 'pick', 'apart', 'fetch', 'shut'],
  ...['discard', 'restore', 'empty'],
  ...['free', 'examine', 'report'],
  ...['move', 'edit', 'pause', 'proceed', 'clear', 'resume', 'forgo', 'save', 'unedit'],
];
element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  const name = button && EVENTS.find((each) => each in button.dataset);
  if (!name || (button.dataset.ask && !window.confirm(button.dataset.ask))) return;
  const fields = {};
  for (const each of button.closest('[data-frame]')?.querySelectorAll('textarea, input') || [])
    fields[each.tagName === 'TEXTAREA' ? 'prompt' : 'chosen'] = each.value;
  trigger(name, { ...button.dataset, ...fields });
});
