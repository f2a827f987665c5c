/** The worker: a plain file, so that it starts under a strict Content-Security-Policy. */
import { expose } from 'comlink';
import { keepTypedErrors } from './comlink-errors';
import { Engine } from './engine';

keepTypedErrors();
expose(new Engine());
