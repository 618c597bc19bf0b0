import fs from 'node:fs/promises'
import path from 'node:path'
import {bin, BuiltZt} from './built-zt.js'
import {HOST, type ScriptedEdge} from './scripted-edge.js'

export const CLIENT_ID = 'a1b2c3d4e5f60718293a4b5c6d7e8f90.access'
export const CLIENT_SECRET = 'cfast_5pDq7nWk3vYt9sXb2mZc8rHj4gLf6aEuTq1oVd0eRi5wKs7b'

/** A built zt whose token comes from the environment, so that it starts nothing but the tunnel. */
export async function tunnelZt(): Promise<BuiltZt> {
  return BuiltZt.make({CF_ACCESS_CLIENT_ID: CLIENT_ID, CF_ACCESS_CLIENT_SECRET: CLIENT_SECRET})
}

/** The command line of a proxy to the edge. */
export function proxyArgs(
  {address, caFile}: Pick<ScriptedEdge, 'address' | 'caFile'>,
  ...more: string[]
): string[] {
  return [
    'ssh',
    'proxy',
    HOST,
    '--token',
    'env',
    '--yes',
    '--connect-to',
    address,
    '--ca-file',
    caFile,
    ...more,
  ]
}

/** The same, quoted for a shell or ssh. */
export function proxyCommandLine(args: string[]): [string, string[]] {
  return [process.execPath, [bin, ...args]]
}

/** The peak memory of a process in bytes; undefined if the system does not show it. */
export async function peakMemory(pid: number): Promise<number | undefined> {
  const status = await fs.readFile(path.join('/proc', String(pid), 'status'), 'utf8').catch(() => '')
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  return kib === undefined ? undefined : Number(kib) * 1024
}
