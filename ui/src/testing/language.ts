/** Tests are in English; what else is said is asked for. */
import { speech } from '../lib/language.svelte';

await speech.speak('en');
