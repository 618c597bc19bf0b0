import fs from 'node:fs/promises'
import path from 'node:path'

export interface FakeCloudflared {
  program: string
  /** What it was given in each run. */
  runs(): Promise<{args: string[]; env: Record<string, string>}[]>
}

/**
 * A program in place of cloudflared that records what it is given.
 *
 * @param version what it prints for --version, a complete line
 * @param does what it does otherwise, in shell
 */
export async function makeFakeCloudflared(
  directory: string,
  version: string,
  does = 'exit 0',
  name = 'cloudflared',
): Promise<FakeCloudflared> {
  const program = path.join(directory, name)
  const notes = path.join(directory, `${name}-runs`)
  await fs.mkdir(notes, {recursive: true})
  const record = [
    `note=$(mktemp -d '${notes}/XXXXXXXX')`,
    // Builtins only: a program would need PATH, and be another child.
    `printf '%s\\0' "$@" > "$note/args"`,
    `cat /proc/$$/environ > "$note/env"`,
  ].join('\n')
  await fs.writeFile(
    program,
    `#!/bin/sh\nPATH=/usr/bin:/bin\n${record}\nif [ "$1" = --version ]; then\n${version}\nexit 0\nfi\n${does}\n`,
    {mode: 0o755},
  )
  return {
    program,
    runs: async () => {
      const folders = (await fs.readdir(notes)).map((folder) => path.join(notes, folder))
      const found = await Promise.all(
        folders.map(async (folder) => {
          const [args = [], pairs = []] = await Promise.all(
            ['args', 'env'].map(async (file) =>
              (await fs.readFile(path.join(folder, file), 'utf8')).split('\0').slice(0, -1),
            ),
          )
          const env = Object.fromEntries(
            pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
          )
          return {at: (await fs.stat(path.join(folder, 'args'))).mtimeMs, args, env}
        }),
      )
      return found.sort((a, b) => a.at - b.at).map(({args, env}) => ({args, env}))
    },
  }
}

/** A program that carries connections as cloudflared does: like-cloudflared.cjs. */
export async function makeLikeCloudflared(directory: string): Promise<string> {
  const program = path.join(directory, 'like-cloudflared')
  const script = path.join(import.meta.dirname, 'like-cloudflared.cjs')
  await fs.writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`, {mode: 0o755})
  return program
}
