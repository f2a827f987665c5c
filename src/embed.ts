/** The one module script for other people's pages: it registers `<tessella-lab>`. */
import { setHome } from './share/addresses';
import './elements/tessella-lab';

setHome(new URL('./', import.meta.url).href);

export { TessellaLabElement } from './elements/tessella-lab';
