// A link that arrives is followed: the browser saves what it leads to.
watch('value', () => element.querySelector('a')?.click());
