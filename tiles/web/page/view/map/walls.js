// The walls of the lifted block: from the border of the chosen area down into the dark, drawn by the map's own
// WebGL context as one custom layer.
//
// The top of the block is the ground itself, so its grids stay where they are and can be clicked; the walls
// hang below it, as though all else lay deeper. (A fill-extrusion would lift a roof over the grids, and at a
// tilt move it away from them.) How deep they hang is a part of the screen's height, at every zoom, so it is
// told to the shader with each frame; the corners are sent once for each area. Walls that look away from the
// camera would be behind the block: they are culled.

import { MercatorCoordinate } from "../lib/maplibre-gl.mjs";

const DEPTH_PX = 46;
const FLOATS = 3;

const VERTEX = `#version 300 es
uniform mat4 u_matrix;
uniform float u_depth;
in vec3 a_place;
out float v_below;
void main() {
  v_below = a_place.z;
  gl_Position = u_matrix * vec4(a_place.xy, -a_place.z * u_depth, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
uniform vec3 u_top;
uniform vec3 u_foot;
uniform float u_strength;
in float v_below;
out vec4 colour;
void main() {
  float light = pow(1.0 - v_below, 1.15);
  float alpha = mix(0.7, 0.96, light) * (1.0 - smoothstep(0.7, 1.0, v_below)) * u_strength;
  colour = vec4(mix(u_foot, u_top, light) * alpha, alpha);
}`;

/** @typedef {[number, number, number]} Rgb  each from 0 to 1 */

export class Walls {
  constructor() {
    this.id = "lifted-walls";
    this.type = /** @type {const} */ ("custom");
    this.renderingMode = /** @type {const} */ ("2d");
    /** @type {Float32Array} */ this.corners = new Float32Array();
    this.origin = { x: 0, y: 0 };
    this.sent = true;
    /** @type {Rgb} */ this.top = [0.1, 0.84, 1];
    /** @type {Rgb} */ this.foot = [0.02, 0.1, 0.25];
    this.strength = 1;
    /** @type {import("maplibre-gl").Map | null} */ this.map = null;
    /** @type {any} */ this.made = null;
  }

  /**
   * Hang walls from rings of places; outer rings run counter-clockwise, holes clockwise.
   * @param {[number, number][][]} rings
   */
  hang(rings) {
    const places = rings.map((ring) => ring.map((place) => MercatorCoordinate.fromLngLat(place)));
    const first = places[0]?.[0];
    this.origin = first ? { x: first.x, y: first.y } : { x: 0, y: 0 };
    const numbers = [];
    for (const ring of places) {
      for (let at = 1; at < ring.length; at++) {
        const [ax, ay] = [ring[at - 1].x - this.origin.x, ring[at - 1].y - this.origin.y];
        const [bx, by] = [ring[at].x - this.origin.x, ring[at].y - this.origin.y];
        numbers.push(ax, ay, 0, ax, ay, 1, bx, by, 0, bx, by, 0, ax, ay, 1, bx, by, 1);
      }
    }
    this.corners = new Float32Array(numbers);
    this.sent = false;
    this.map?.triggerRepaint();
  }

  /** @param {import("maplibre-gl").Map} map @param {WebGL2RenderingContext} gl */
  onAdd(map, gl) {
    this.map = map;
    const program = /** @type {WebGLProgram} */ (gl.createProgram());
    for (const [kind, text] of /** @type {[number, string][]} */ ([
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ])) {
      const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    const uniform = (/** @type {string} */ name) => gl.getUniformLocation(program, name);
    this.made = {
      program,
      buffer: gl.createBuffer(),
      array: gl.createVertexArray(),
      place: gl.getAttribLocation(program, "a_place"),
      matrix: uniform("u_matrix"),
      depth: uniform("u_depth"),
      top: uniform("u_top"),
      foot: uniform("u_foot"),
      strength: uniform("u_strength"),
    };
    this.sent = false;
  }

  /** @param {import("maplibre-gl").Map} _map @param {WebGL2RenderingContext} gl */
  onRemove(_map, gl) {
    if (!this.made) return;
    gl.deleteProgram(this.made.program);
    gl.deleteBuffer(this.made.buffer);
    gl.deleteVertexArray(this.made.array);
    this.made = null;
    this.map = null;
  }

  /** @param {WebGL2RenderingContext} gl @param {import("maplibre-gl").CustomRenderMethodInput} given */
  render(gl, given) {
    const { made, map } = this;
    if (!made || !map || !this.corners.length) return;
    gl.bindVertexArray(made.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, made.buffer);
    if (!this.sent) {
      gl.bufferData(gl.ARRAY_BUFFER, this.corners, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(made.place);
      gl.vertexAttribPointer(made.place, FLOATS, gl.FLOAT, false, 0, 0);
      this.sent = true;
    }
    gl.useProgram(made.program);
    gl.uniformMatrix4fv(made.matrix, false, moved(given.defaultProjectionData.mainMatrix, this.origin));
    gl.uniform1f(made.depth, DEPTH_PX / (512 * 2 ** map.getZoom()));
    gl.uniform3fv(made.top, this.top);
    gl.uniform3fv(made.foot, this.foot);
    gl.uniform1f(made.strength, this.strength);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.disable(gl.DEPTH_TEST);
    gl.enable(gl.CULL_FACE);
    gl.cullFace(gl.BACK);
    gl.drawArrays(gl.TRIANGLES, 0, this.corners.length / FLOATS);
    gl.disable(gl.CULL_FACE);
    gl.bindVertexArray(null);
  }
}

/**
 * A matrix for places that are counted from an origin: near zooms need more digits than a float has.
 * @param {ArrayLike<number>} matrix @param {{x: number, y: number}} origin
 */
function moved(matrix, { x, y }) {
  const out = Float64Array.from(matrix);
  for (let row = 0; row < 4; row++) out[12 + row] += matrix[row] * x + matrix[4 + row] * y;
  return Float32Array.from(out);
}

/** The red, green and blue of a colour written as #rrggbb. @param {string} colour @returns {Rgb} */
export function rgb(colour) {
  const number = Number.parseInt(colour.replace("#", ""), 16) || 0;
  return [((number >> 16) & 255) / 255, ((number >> 8) & 255) / 255, (number & 255) / 255];
}
