// Buttons inside what the server sends: data-NAME="..." sets off the event NAME, with all data of the button.
const EVENTS = ['seed', 'cancel', 'advice', 'download', 'halt'];
element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  const name = button && EVENTS.find((each) => each in button.dataset);
  if (name) trigger(name, { ...button.dataset });
});
