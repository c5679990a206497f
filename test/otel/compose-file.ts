/** docker-compose.otel.yml and the configuration files beside it, read from the tree. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export function read(path: string): string {
  return readFileSync(ROOT + path, 'utf8');
}

export function readYaml(path: string): unknown {
  return parse(read(path), { merge: true });
}

export const COMPOSE_PATH = 'docker-compose.otel.yml';

const service = z.object({
  image: z.string().optional(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  command: z.array(z.string()).default([]),
  profiles: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), z.object({ condition: z.string() }))]).default([]),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  mem_limit: z.string(),
  'x-no-healthcheck': z.string().optional(),
});

export type Service = z.infer<typeof service>;

export const compose = z
  .object({ name: z.string(), services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) })
  .parse(readYaml(COMPOSE_PATH));

export const services: readonly (readonly [name: string, service: Service])[] = Object.entries(compose.services);

/** Of `./host/path:/in/container:ro`. */
export function mounts({ volumes }: Service): readonly { from: string; to: string; mode: string | undefined }[] {
  return volumes.map((volume) => {
    const [from = '', to = '', mode] = volume.split(':');
    return { from, to, mode };
  });
}

/** All texts of a document, keys left out. */
export function texts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(texts);
}
