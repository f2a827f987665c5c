/** The page: registers what index.html shows. */
import './elements/app-shell';
