// A page with OpenLayers: a map for each scheme that is asked for, all of one place, with the grid that it lies in.
// openlayers.html?server=http://127.0.0.1:8000&zoom=16&xyz=0.796047,0.413990&bd09=0.176805,-0.051042
// The place is given on each scheme's own plane, in squares of zoom 0 with y down, because no map library knows how
// to shift degrees to another datum. Tests use `window.maps`, and `window.drawn`, which is true in the end.
const { ol } = window;

const asked = new URLSearchParams(location.search);
const server = asked.get('server') ?? location.origin;
const zoom = Number(asked.get('zoom') ?? 15);
const schemes = ['xyz', 'gcj02', 'gcj02-tms', 'bd09', 'tianditu-c'].filter((scheme) => asked.has(scheme));
const family = "'WenQuanYi Micro Hei','PingFang SC','Microsoft YaHei',sans-serif";

// Metres of Baidu's own Mercator, which the library does not know: a plain plane for it.
const reach = 2 ** 25;
const baidu = new ol.proj.Projection({ code: 'BD09MC', units: 'm', extent: [-reach, -reach, reach, reach] });
ol.proj.addProjection(baidu);

/** Where the squares of a scheme lie on its plane. */
function plan(scheme, { minzoom, maxzoom }) {
    const grid = (origin, whole) =>
        new ol.tilegrid.TileGrid({
            origin,
            resolutions: Array.from({ length: maxzoom + 1 }, (_, z) => whole / 2 ** z),
            minZoom: minzoom,
        });
    if (scheme === 'bd09') return { projection: baidu, grid: grid([0, 0], 2 ** 18) };
    if (scheme === 'tianditu-c') return { projection: ol.proj.get('EPSG:4326'), grid: grid([-180, 90], 360 / 256) };
    return { projection: ol.proj.get('EPSG:3857'), grid: ol.tilegrid.createXYZ({ minZoom: minzoom, maxZoom: maxzoom }) };
}

/** The row of an address: Baidu counts upwards from its origin, TMS from the south. */
function row(scheme, z, y) {
    if (scheme === 'bd09') return -1 - y;
    return scheme === 'gcj02-tms' ? 2 ** z - 1 - y : y;
}

const shape = (fill, stroke, width) =>
    new ol.style.Style({ fill: new ol.style.Fill({ color: fill }), stroke: new ol.style.Stroke({ color: stroke, width }) });
const basic = shape('rgba(25, 215, 255, 0.08)', 'rgba(25, 215, 255, 0.75)', 1.2);
const exclusive = shape('rgba(255, 209, 102, 0.25)', '#ffd166', 1.2);
const chosen = shape('rgba(25, 215, 255, 0.42)', '#ffd166', 3);
chosen.setZIndex(1);
const town = new ol.style.Style({ stroke: new ol.style.Stroke({ color: '#7ff0ff', width: 3 }), zIndex: 2 });

/** Whether a place is inside a polygon of a tile: exact, where what lies under a pixel is not. */
function holds(feature, [x, y]) {
    const flat = feature.getOrientedFlatCoordinates();
    let inside = false;
    let begin = 0;
    for (const end of feature.getEnds().flat()) {
        for (let at = begin, before = end - 2; at < end; before = at, at += 2) {
            const [x1, y1, x2, y2] = [flat[before], flat[before + 1], flat[at], flat[at + 1]];
            if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside;
        }
        begin = end;
    }
    return inside;
}

/** The name of a grid: its number alone, 第8网格. */
function label(feature) {
    if (feature.get('level') !== 'grid') return undefined;
    const name = feature.get('name');
    return new ol.style.Style({
        text: new ol.style.Text({
            text: name.slice(Math.max(0, name.indexOf('第'))),
            font: `12px ${family}`,
            fill: new ol.style.Fill({ color: '#cfe8ff' }),
            stroke: new ol.style.Stroke({ color: '#04101f', width: 3 }),
        }),
    });
}

function look(feature, code) {
    if (feature.get('layer') === 'town') return town;
    if (feature.get('layer') === 'label') return label(feature);
    if (feature.get('code') === code) return chosen;
    return feature.get('kind') === 'exclusive' ? exclusive : basic;
}

/** A cross at a place. */
function cross(place) {
    const stroke = new ol.style.Stroke({ color: '#ff3b3b', width: 2.5 });
    const mark = new ol.Feature(new ol.geom.Point(place));
    mark.setStyle(new ol.style.Style({ image: new ol.style.RegularShape({ points: 4, radius: 12, radius2: 0, angle: 0, stroke }) }));
    return new ol.layer.Vector({ source: new ol.source.Vector({ features: [mark] }), zIndex: 9 });
}

/** A box for a map, with a line of text in it. */
function frame() {
    const box = document.createElement('div');
    const line = document.createElement('div');
    box.className = 'map';
    line.className = 'name';
    box.append(line);
    document.body.append(box);
    return { box, line };
}

const finished = (map) => new Promise((done) => map.once('rendercomplete', done));

async function show(scheme) {
    const { box, line } = frame();
    const told = await (await fetch(`${server}/tiles/town,grid,label.json?scheme=${scheme}`)).json();
    const { projection, grid } = plan(scheme, told);
    const [x, y] = asked.get(scheme).split(',').map(Number);
    const [left, top] = grid.getOrigin(0);
    const whole = 256 * grid.getResolution(0);
    const place = [left + x * whole, top - y * whole];

    const tiles = new ol.layer.VectorTile({
        source: new ol.source.VectorTile({
            format: new ol.format.MVT(),
            projection,
            tileGrid: grid,
            tileUrlFunction: ([z, column, down]) =>
                told.tiles[0].replace('{z}', z).replace('{x}', column).replace('{y}', row(scheme, z, down)),
        }),
        style: (feature) => look(feature, ''),
        declutter: true,
        renderMode: 'vector', // sharp between two zooms
        background: '#07142b',
    });
    const metres = 40075016.68557849 / 256 / 2 ** zoom;
    const view = new ol.View({
        projection,
        center: place,
        resolution: scheme === 'tianditu-c' ? (metres / 40075016.68557849) * 360 : metres,
    });
    const map = new ol.Map({ target: box, layers: [tiles, cross(place)], controls: [], view });
    await finished(map);

    const found = tiles
        .getFeaturesInExtent([...place, ...place])
        .find((each) => each.get('layer') === 'grid' && holds(each, place));
    line.textContent = [told.description.split('. ').slice(1).join(' ').replace(/\.$/, ''), found?.get('name')].join(' · ');
    tiles.setStyle((feature) => look(feature, found?.get('code')));
    await finished(map);
    return { scheme, map, code: found?.get('code'), features: tiles.getFeaturesInExtent(view.calculateExtent()).length };
}

document.body.style.gridTemplateColumns = schemes.length > 1 ? '1fr 1fr' : '1fr';
window.maps = await Promise.all(schemes.map(show));
window.drawn = true;
