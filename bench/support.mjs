// What every measurement needs: a clean environment, alternating rounds, medians, a table.
import {existsSync} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')

/** The program as it ships. */
export const zt = path.join(root, 'bin', 'zt.cjs')

/** The single executable, if it was built: `npm run build:executable`. */
export const executable = path.join(root, 'dist-executable', 'zt')

export function requireBuild() {
  if (!existsSync(path.join(root, 'dist', 'zt', 'zt.cjs'))) {
    throw new Error('zt is not built: run `npm run build` first')
  }
}

/**
 * Runs `work` in an environment without the user's own configuration and without what slows a start
 * (NODE_EXTRA_CA_CERTS and SSL_CERT_FILE each cost dozens of milliseconds: all CAs are read first).
 */
export async function withCleanEnvironment(work) {
  const home = await mkdtemp(path.join(os.tmpdir(), 'zt-bench-'))
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(ZT_(?!PATIENCE$)|CLOUDFLARE_|CF_ACCESS_|TUNNEL_|XDG_|NODE_|SSL_CERT_|FORCE_COLOR|DEBUG$)/.test(
          name,
        ),
    ),
  )
  for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) env[`XDG_${kind}_HOME`] = path.join(home, kind)
  env.NO_COLOR = '1'
  env.ZT_STORE = 'vault'
  try {
    return await work(env, home)
  } finally {
    await rm(home, {recursive: true, force: true})
  }
}

/**
 * Measures candidates in alternating rounds, so that what disturbs the machine disturbs all of them. Each round begins
 * with another candidate, so that what one leaves behind (a warm cache, work of the edge) does not always affect the same one.
 *
 * @param candidates {name: () => number | Promise<number>}
 * @param warmups rounds that run first and are not counted: they fill caches, and the edge compiles its code
 * @returns {name: number[]}
 */
export async function alternate(candidates, rounds, warmups = 1) {
  const entries = Object.entries(candidates)
  const samples = Object.fromEntries(entries.map(([name]) => [name, []]))
  for (let round = 0; round < warmups + rounds; round++) {
    const first = round % entries.length
    for (const [name, measure] of [...entries.slice(first), ...entries.slice(0, first)]) {
      const sample = await measure()
      if (round >= warmups) samples[name].push(sample)
    }
  }
  return samples
}

export const median = (values) => quantile(values, 0.5)

/** The value that this share of the values is below, interpolated between two values. */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  return below + (above - below) * (at % 1)
}

/** The bounds of the middle half of the values. Two medians whose quartiles overlap do not differ. */
export const quartiles = (values) => [round2(quantile(values, 0.25)), round2(quantile(values, 0.75))]

/** Warm-up rounds of whole processes: on a fresh edge the first connections take a tenth longer. */
export const startWarmups = (rounds) => Math.min(rounds, 3)

/** A port of this machine where nothing listens. */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const {port} = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A positive whole number from the environment. */
export function setting(name, otherwise) {
  const text = process.env[name]
  if (text === undefined || text === '') return otherwise
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new Error(`${name} must be a whole number above zero, not "${text}"`)
  return Number(text)
}

/** Objects of the largest account, by kind. */
export function largestAccount() {
  const applications = setting('BENCH_APPLICATIONS', 10_000)
  const of = (share) => Math.floor(applications * share)
  return {applications, policies: of(1 / 2), groups: of(1 / 4), tokens: of(1 / 2)}
}

export const round1 = (value) => Math.round(value * 10) / 10
export const round2 = (value) => Math.round(value * 100) / 100

/** Rows of text, the first column left-aligned and the others right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])))
        .join('  '),
    )
    .join('\n')
}
