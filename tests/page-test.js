// SPDX-License-Identifier: GPL-3.0-or-later
// Appended to a copy of a bag's page (without its policy) by
// extract-snapshots.bats: does with the page what a user does, and leaves what
// came of it in the title, which chromium --dump-dom shows.
'use strict';
const said = [];
const say = (what, value) => said.push(what + '=' + value);
const visible = () => cards.filter(c => !c.hidden).length;
const press = (key, target) => (target || document.activeElement ||
    document.body).dispatchEvent(new KeyboardEvent('keydown',
    { key, bubbles: true, cancelable: true }));
const set = (name, value) => {
	form[name].value = value;
	form[name].dispatchEvent(new Event('input', { bubbles: true }));
};
say('cards', cards.length);
say('all', visible());
const start = performance.now();
set('q', 'plate');
say('plate', visible());
set('q', 'PLATE nosuchword');
say('none', visible());
set('q', '');
for (const key of keys) {
	set(key, form[key].options[1].value);
	say(key, visible());
	set(key, '');
}
set('topic', '=FaceMatched');
set('level', '=high');
say('both', visible());
press('j', document.body);
say('j', document.activeElement.className);
press('j');
say('jj', cards.indexOf(document.activeElement));
press('k');
say('k', cards.indexOf(document.activeElement));
press('/');
say('slash', document.activeElement.name);
press('j');
say('typing', document.activeElement.name);
press('Escape');
say('escape', document.activeElement === document.body);
form.reset();
setTimeout(() => {
	say('reset', visible());
	say('quick', performance.now() - start < 10000);
	say('scripts', document.scripts.length);
	say('broken', Array.from(document.images).filter(i => i.complete &&
	    i.naturalWidth === 0).length);
	document.title = said.join(' ');
});
