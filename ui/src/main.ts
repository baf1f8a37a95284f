import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/components.css';
import './styles/call.css';
import './styles/talk.css';
import './styles/compact.css';
import './styles/records.css';
import './styles/lines.css';
import './styles/narrow.css';

import { mount } from 'svelte';
import { openBackend } from './lib/backend/open';
import { look } from './lib/look.svelte';
import { reached } from './lib/moments';

reached('script');
look.begin(window.__DESKLINE_LOOK__);

const target = document.getElementById('deskline');
if (!target) throw new Error('index.html has no #deskline');

// A file that is dropped where nobody waits for one must not take the place of the page.
for (const kind of ['dragover', 'drop'] as const)
  window.addEventListener(kind, (event) => {
    if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
  });

// Each window loads its own view: the overlay stands ready all day and needs a small part of the phone's.
const view = location.hash.startsWith('#/overlay') ? import('./views/Overlay.svelte') : import('./views/App.svelte');
const backend = await openBackend(location);
void backend.onLookChanged((told) => look.take(told)).catch(() => undefined);
const [{ default: Window }] = await Promise.all([view, look.spoken]);
reached('code');
mount(Window, { target, props: { backend } });
reached('mounted');
