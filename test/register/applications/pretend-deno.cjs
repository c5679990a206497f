// What another runtime's process looks like.
globalThis.Deno = {};
