// Buttons inside what the server sends: data-NAME="..." sets off the event NAME, with all data of the button.
const EVENTS = ['seed', 'cancel', 'advice', 'download', 'halt', 'pair', 'repaint', 'reuse', 'forget'];
element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  const name = button && EVENTS.find((each) => each in button.dataset);
  if (!name) return;
  const fields = {};
  for (const each of button.closest('[data-frame]')?.querySelectorAll('textarea, input') || [])
    fields[each.tagName === 'TEXTAREA' ? 'prompt' : 'chosen'] = each.value;
  trigger(name, { ...button.dataset, ...fields });
});
