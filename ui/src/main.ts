import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/components.css';
import './styles/call.css';
import './styles/talk.css';
import './styles/compact.css';
import './styles/records.css';
import './styles/narrow.css';

import { mount } from 'svelte';
import { openBackend } from './lib/backend/open';
import { look } from './lib/look.svelte';
import App from './views/App.svelte';
import Overlay from './views/Overlay.svelte';

look.begin(window.__DESKLINE_LOOK__);

const target = document.getElementById('deskline');
if (!target) throw new Error('index.html has no #deskline');

const backend = await openBackend(location);
void backend.onLookChanged((view) => look.take(view)).catch(() => undefined);
mount(location.hash.startsWith('#/overlay') ? Overlay : App, { target, props: { backend } });
