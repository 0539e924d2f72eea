import { defineConfig } from "vite";

// Earmark as `make run` starts it. Its session is this page's too: cookies know no ports.
const proxy = { "/api": { target: process.env["EARMARK"] ?? "http://127.0.0.1:5000" } };

export default defineConfig({
  server: { host: "127.0.0.1", proxy },
  preview: { host: "127.0.0.1", proxy },
  // The client has a React of its own for its tests: a page must have one.
  resolve: { dedupe: ["react", "react-dom", "@tanstack/react-query"] },
  esbuild: { jsx: "automatic" },
});
