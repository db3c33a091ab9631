// Starts the engine, which compiles in its worker while the page is read.
import './engine';
void import('./page');
