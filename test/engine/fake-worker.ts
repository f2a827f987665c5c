/** The engine in a worker of its own, with the fake labs. */
import { expose } from 'comlink';
import { keepTypedErrors } from '../../src/engine/comlink-errors';
import { Engine } from '../../src/engine/engine';
import { fakeLabs } from './fake-labs';

keepTypedErrors();
expose(new Engine({ labs: fakeLabs }));
