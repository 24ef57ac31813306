// What the service serves beside the page's own files, by the addresses at which the page asks for it.

declare module "*/lib/maplibre-gl.mjs" {
  export * from "maplibre-gl";
}

declare module "*/lib/echarts.mjs" {
  export * from "echarts";
}

declare module "*/lib/pmtiles.mjs" {
  export * from "pmtiles";
}

declare module "*/live.js" {
  export * from "gridmap-live";
}
