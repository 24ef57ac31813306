// Decodes tiles with the JavaScript reference decoder: reads frames (four bytes of length, little-endian, then
// a tile), writes a line of JSON for each. Run by tests/javascript.py from the folder that holds node_modules.
import { VectorTile, classifyRings } from '@mapbox/vector-tile';
import { PbfReader } from 'pbf';

const plain = (lines) => lines.map((line) => line.map((point) => [point.x, point.y]));

function feature(one) {
    const lines = one.loadGeometry();
    const rings = plain(lines);
    const polygons = one.type === 3 ? classifyRings(lines).map(plain) : null;
    return { id: one.id ?? null, type: one.type, properties: { ...one.properties }, rings, polygons };
}

function layer(one) {
    const features = Array.from({ length: one.length }, (_, position) => feature(one.feature(position)));
    return { name: one.name, version: one.version, extent: one.extent, features };
}

function decode(bytes) {
    try {
        return { layers: Object.values(new VectorTile(new PbfReader(bytes)).layers).map(layer) };
    } catch (error) {
        return { error: String(error) };
    }
}

let held = Buffer.alloc(0);
for await (const chunk of process.stdin) {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 4 && held.length >= 4 + held.readUInt32LE(0)) {
        const end = 4 + held.readUInt32LE(0);
        process.stdout.write(JSON.stringify(decode(held.subarray(4, end))) + '\n');
        held = held.subarray(end);
    }
}
