import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/components.css';
import './styles/call.css';
import './styles/talk.css';
import './styles/narrow.css';

import { mount } from 'svelte';
import { openBackend } from './lib/backend/open';
import { followSystemTheme } from './lib/theme';
import App from './views/App.svelte';
import Overlay from './views/Overlay.svelte';

followSystemTheme();

const target = document.getElementById('deskline');
if (!target) throw new Error('index.html has no #deskline');

const backend = await openBackend(location);
mount(location.hash.startsWith('#/overlay') ? Overlay : App, { target, props: { backend } });
