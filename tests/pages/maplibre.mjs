// A page with the service's own style:
//   maplibre.html?server=http://127.0.0.1:8000&theme=dark&center=106.577,29.559&zoom=14
// For numbers as colours &metric=households&area=500103; &chosen=106.577,29.559 chooses the grid at a place.
// Tests use `window.map`, and `window.drawn`, which is true when all that the view needs has been drawn.
import { Map, setWorkerUrl } from './lib/maplibre-gl/dist/maplibre-gl.mjs';

const asked = new URLSearchParams(location.search);
const server = asked.get('server') ?? location.origin;
const numbers = (name) => asked.get(name)?.split(',').map(Number);

setWorkerUrl(new URL('./lib/maplibre-gl/dist/maplibre-gl-worker.mjs', import.meta.url).href);
const layers = asked.has('layers') ? `?layers=${asked.get('layers')}` : '';
const style = await (await fetch(`${server}/styles/${asked.get('theme') ?? 'dark'}.json${layers}`)).json();
// Without a place, all that there is.
const { bounds } = await (await fetch(Object.values(style.sources)[0].url)).json();
const view = asked.has('center') ? { center: numbers('center'), zoom: Number(asked.get('zoom')) } : { bounds };
const map = new Map({
    container: 'map',
    style,
    ...view,
    fitBoundsOptions: { padding: 24 },
    pitch: Number(asked.get('pitch') ?? 0),
    bearing: Number(asked.get('bearing') ?? 0),
    fadeDuration: 0,
    attributionControl: false,
});
window.map = map;

/** Colours the areas of a level by a metric: the place of each number among all, from 0 to 1. */
async function colour(level, metric, area) {
    const query = area ? `?area=${area}` : '';
    const { ids, values } = await (await fetch(`${server}/values/${level}/${metric}${query}`)).json();
    const order = values.map((_, at) => at).sort((a, b) => values[a] - values[b]);
    order.forEach((at, place) => {
        const feature = { source: 'areas', sourceLayer: level, id: ids[at] };
        map.setFeatureState(feature, { value: place / Math.max(1, order.length - 1) });
    });
}

/** Waits until nothing is left to be drawn; the event is not sent twice, so a frame is asked for. */
function idle() {
    map.triggerRepaint();
    return map.once('idle');
}

/** Chooses the grid at a place, as a click would. */
async function choose(place) {
    await idle();
    const [found] = map.queryRenderedFeatures(map.project(place), { layers: ['grid-fill'] });
    map.setFeatureState({ source: 'areas', sourceLayer: 'grid', id: found.id }, { chosen: true });
}

await map.once('load');
if (asked.has('chosen')) await choose(numbers('chosen'));
if (asked.has('metric')) await colour(asked.get('level') ?? 'grid', asked.get('metric'), asked.get('area'));
await idle();
window.drawn = true;
