// What a large account takes once its objects are read: processor time and memory, in a process of its own for each size.
import {spawnSync} from 'node:child_process'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {build} from 'esbuild'
import {largestAccount, round1, round2, setting, table} from './support.mjs'

export const description =
  'reach, audit and report over 10,000 applications, 5,000 tokens and 2,500 groups: processor time, memory'

const root = path.resolve(import.meta.dirname, '..')
const from = (file) => JSON.stringify(path.join(root, file))

/** Facts of an account that is old enough to be judged, and a record in which each token used two of its rights. */
const FACTS = `
  const now = Date.parse('2026-11-28T12:00:00Z')
  const day = 24 * 3600_000
  const ago = (days) => new Date(now - days * day).toISOString()
  for (const one of [...account.applications, ...account.policies, ...account.groups]) one.raw.created_at = ago(300)
  const tokens = account.tokens.map((one) => ({...one, createdAt: ago(400), lastSeenAt: ago(3)}))
  const rows = [...rightsOf(account, tokens).named].flatMap(([tokenId, rights]) =>
    rights.slice(0, 2).map(({applicationId, policyId}) => ({tokenId, applicationId, policyId, allowed: true, count: 5, last: ago(3).slice(0, 10)})),
  )
  const usage = {since: ago(90), until: ago(0), rows, incomplete: undefined}
  const say = {profile: 'default', profileNamed: false}
  return {now, accountId: 'account', expiringMs: 30 * day, unusedMs: 90 * day, account, unread: [], zones: {of: () => undefined, unread: []}, tokens, stored: [], gone: [], usage, say}`
const FACTS_IMPORTS = `import {rightsOf} from ${from('src/lib/policy/rights.ts')}
import {trapsOf} from ${from('src/lib/policy/traps.ts')}
`
/** What `zt token audit` makes of what it read. */
const JUDGED = `{...given, rights: rightsOf(account, given.tokens), traps: trapsOf(account, given.tokens.map((one) => ({...one, status: 'active'})))}`

/**
 * Code that gets `account`, as test/support/big-account.ts makes it, and what `prepare` returns as `given`. A new measurement
 * is a row here.
 */
const MEASURED = {
  reach: {
    imports: `import {byApplication, rightsOf} from ${from('src/lib/policy/rights.ts')}`,
    code: 'return byApplication(rightsOf(account, account.tokens)).size',
  },
  audit: {
    imports: `${FACTS_IMPORTS}import {auditOf} from ${from('src/lib/access/audit/audit.ts')}`,
    prepare: FACTS,
    code: `const {findings} = auditOf(${JUDGED})
      if (!findings.some(({kind}) => kind === 'unused-rule')) throw new Error('nothing was judged')
      return findings.length`,
  },
  report: {
    imports: `${FACTS_IMPORTS}import {buildReport} from ${from('src/lib/access/report/build.ts')}
import {reportPage} from ${from('src/lib/report/page.ts')}`,
    prepare: FACTS,
    code: `const building = buildReport(${JUDGED}, {account: {id: 'account', name: 'Widgetcorp'}, zt: '0'})
      let step = building.next()
      while (!step.done) step = building.next()
      return reportPage({...step.value, changes: null}).length`,
  },
}

const MOST_CPU_MS = 10_000
const MOST_MIB = 300
/** Linear is 2. What the first run compiles takes longer than a small account, so later runs are compared: the median. */
const MOST_PER_DOUBLING = 2.5

export async function run() {
  const rounds = setting('BENCH_ROUNDS', 5)
  const shares = Array.from({length: setting('BENCH_DOUBLINGS', 2) + 1}, (_, doubling) => 2 ** doubling).map(
    (share, _, {length}) => share / 2 ** (length - 1),
  )
  const directory = await mkdtemp(path.join(os.tmpdir(), 'zt-bench-'))
  try {
    const rows = []
    for (const [name, measured] of Object.entries(MEASURED)) {
      const file = await bundled(directory, name, measured)
      for (const share of shares) {
        const samples = Array.from({length: rounds}, () => sample(file, share, rounds))
        // The best: what else the machine does only adds to it.
        const of = (field) => Math.min(...samples.map((one) => one[field]))
        const before = rows.find((row) => row.name === name && row.share === share / 2)
        const [cpuMs, laterMs] = [round1(of('cpuMs')), round1(of('laterMs'))]
        const ratio = before ? round2(laterMs / before.laterMs) : null
        rows.push({name, share, ...samples[0].sizes, cpuMs, laterMs, ratio, mib: round1(of('mib'))})
      }
    }
    const most = (field) => Math.max(...rows.map((row) => row[field] ?? 0))
    return {
      rounds,
      rows,
      goals: [
        {
          goal: `at most ${MOST_CPU_MS} ms of processor time`,
          value: most('cpuMs'),
          met: most('cpuMs') <= MOST_CPU_MS,
        },
        {goal: `at most ${MOST_MIB} MiB`, value: most('mib'), met: most('mib') <= MOST_MIB},
        {
          goal: `twice the account in at most ${MOST_PER_DOUBLING} times the processor time`,
          value: most('ratio'),
          met: most('ratio') <= MOST_PER_DOUBLING,
        },
      ],
    }
  } finally {
    await rm(directory, {recursive: true, force: true})
  }
}

export function text({rows, goals}) {
  const series = table([
    ['', 'applications', 'tokens', 'groups', 'CPU ms', 'again ms', 'per doubling', 'MiB'],
    ...rows.map(({name, applications, tokens, groups, cpuMs, laterMs, ratio, mib}) => [
      name,
      applications,
      tokens,
      groups,
      cpuMs.toFixed(0),
      laterMs.toFixed(0),
      ratio === null ? '' : `×${ratio.toFixed(2)}`,
      mib.toFixed(1),
    ]),
  ])
  const verdicts = goals.map(({goal, value, met}) => `${met ? 'met    ' : 'NOT MET'}  ${goal}: ${value}`)
  return [series, '', ...verdicts].join('\n')
}

/** The sources as one file: what ships is the same code, and has no entry for a part of it. */
async function bundled(directory, name, {imports, code, prepare = ''}) {
  const entry = path.join(directory, `${name}.ts`)
  const outfile = path.join(directory, `${name}.mjs`)
  await writeFile(
    entry,
    `import {bigAccount} from ${from('test/support/big-account.ts')}
${imports}
const share = Number(process.argv[2])
const sizes = Object.fromEntries(Object.entries(${JSON.stringify(largestAccount())}).map(([kind, count]) => [kind, Math.floor(count * share)]))
const account = bigAccount(sizes)
const prepare = (account) => { ${prepare} }
const given = prepare(account)
globalThis.gc()
const before = process.memoryUsage().heapUsed
const work = (account, given) => { ${code} }
const measured = () => {
  const started = process.cpuUsage()
  const done = work(account, given)
  const {user, system} = process.cpuUsage(started)
  return {cpuMs: (user + system) / 1000, done}
}
const {cpuMs, done} = measured()
const mib = (process.memoryUsage().heapUsed - before) / 2 ** 20
const later = Array.from({length: Number(process.argv[3])}, () => measured().cpuMs).sort((a, b) => a - b)
const laterMs = later[Math.floor(later.length / 2)]
console.log(JSON.stringify({sizes, cpuMs, laterMs, mib: Math.max(mib, 0), done}))
`,
  )
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
  return outfile
}

function sample(file, share, laterRuns) {
  const argv = ['--expose-gc', file, String(share), String(laterRuns)]
  const {status, stdout, stderr} = spawnSync(process.execPath, argv, {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}
