// Holds a style (JSON on standard input) against the MapLibre Style Specification: prints a line for each fault.
// Run by tests/test_styles.py from the folder that holds node_modules.
import { validateStyleMin } from '@maplibre/maplibre-gl-style-spec';

let text = '';
for await (const chunk of process.stdin) text += chunk;
for (const fault of validateStyleMin(JSON.parse(text))) console.log(fault.message);
