import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    testTimeout: 20_000,
    // Two cores: more would only take the time from one another.
    maxWorkers: 2,
    minWorkers: 1,
  },
});
