import fc from 'fast-check'
import {afterAll, beforeAll, expect, it} from 'vitest'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {untilCovered} from '../../support/covering.js'
import {
  accounts,
  ADDRESSES,
  HOSTS,
  opened,
  probe,
  seedOf,
  TOKENS,
  type Account,
} from '../../support/random-account.js'
import {RefusalWorld} from '../../support/refusal-world.js'

// Random accounts: what is proposed is run as it is, and the edge is asked before and after.

let world: RefusalWorld
beforeAll(async () => {
  world = await RefusalWorld.open()
})
afterAll(() => world.end())

const begin = (account: Account): Promise<void> => world.begin(seedOf(account), undefined, 'git.example.com')

async function asked(line: string): Promise<JsonObject> {
  const {stdout, stderr} = await world.run(`${line} --json`)
  return JSON.parse(stdout || stderr) as JsonObject
}

async function made(command: string): Promise<void> {
  const end = await world.run(command.startsWith('zt token ') ? command : `${command} --yes`)
  expect(end.exitCode, `${command}\n${end.stdout}${end.stderr}`).toBe(0)
}

interface ExplainedTrap {
  id: string
  applicationId: string
  policyId: string | null
  otherId: string | null
  groupId: string | null
  tokenIds: string[]
  remedies: {what: string; command: string | null}[]
}
const trapsAt = async (name: string): Promise<ExplainedTrap[]> =>
  (await asked(`zt app explain ${name} --no-credentials`))['traps'] as ExplainedTrap[]
const alike = (one: ExplainedTrap, other: ExplainedTrap): boolean =>
  (['id', 'applicationId', 'policyId', 'otherId', 'groupId'] as const).every(
    (field) => one[field] === other[field],
  )

const closed = (before: Set<string>, after: Set<string>): string[] => opened(after, before)

/** The sentence before a command says what it does to requests. */
const SAYS = {
  nothing: /which opens and closes nothing$|closes nothing that is open now$/,
  opens: /^To let it in/,
  closes: /^To keep out|^To make it count|^To leave only|to close it for the others$/,
}

/** More by hand: each run takes about a fifth of a second. */
const RUNS = Number(process.env['RANDOM_RUNS'] ?? 12)

it('whatever an account is: each command against a trap runs, removes it, and changes only what it says', async () => {
  const met = new Map<string, number>()
  const property = fc.asyncProperty(accounts, fc.nat(), async (account, choice) => {
    await begin(account)
    const found = [...(await trapsAt('Git')), ...(await trapsAt('Api'))]
    const ways = found.flatMap((trap) =>
      trap.remedies.flatMap(({what, command}) => (command === null ? [] : [{trap, what, command}])),
    )
    // What was met least.
    const times = ({trap}: (typeof ways)[number]): number => met.get(trap.id) ?? 0
    const least = Math.min(...ways.map(times))
    const some = ways.filter((one) => times(one) === least)
    const way = some[choice % Math.max(1, some.length)]
    if (!way) return
    const {trap, what, command} = way
    met.set(trap.id, (met.get(trap.id) ?? 0) + 1)
    const before = probe(world)
    await made(command)
    const after = probe(world)
    const said = `${trap.id}: ${what}: ${command}`
    const kind = Object.entries(SAYS).find(([, words]) => words.test(what))?.[0]
    expect(kind, what).toBeDefined()
    const named = opened(before, after).filter((one) => !trap.tokenIds.includes(one.split(' ')[0] ?? ''))
    expect(kind === 'opens' ? named : opened(before, after), said).toEqual([])
    if (kind !== 'closes') expect(closed(before, after), said).toEqual([])
    const left = [...(await trapsAt('Git')), ...(await trapsAt('Api'))].filter((one) => alike(one, trap))
    // One command takes one of several tokens out; one that lets in leaves the name where it does not count.
    const fewer = left.every(({tokenIds}) => tokenIds.length < trap.tokenIds.length)
    expect(left.length === 0 || (trap.tokenIds.length > 1 && fewer), said).toBe(true)
  })
  const EVERY = ['token-under-allow', 'group-under-allow', 'empty-include', 'never-holds', 'idle-tokens', 'unreachable-rule', 'rule-after-everyone', 'condition-gone-past', 'block-too-late', 'any-valid-token', 'shadowed-by-path'] // prettier-ignore
  await untilCovered(
    () => fc.assert(property, {numRuns: RUNS, endOnFailure: true}),
    // Each trap has its row in traps.test.ts; a long run meets them all here too.
    () => (RUNS < 500 && met.size > 3 ? [] : EVERY.filter((id) => !met.has(id))),
  )
})

it('whatever an account is: the command for a token that is not admitted runs, admits it there, and opens nothing else', async () => {
  let tried = 0
  const property = fc.asyncProperty(accounts, fc.constantFrom(...TOKENS), async (account, name) => {
    await begin(account)
    const {causes} = (await asked(`zt app explain Git --token ${name}`)) as unknown as {
      causes: {id: string; certain: boolean; next: string[]}[]
    }
    const commands = causes.flatMap((cause) =>
      cause.next
        .filter((one) => /^zt (app add-rule|token (enable|refresh)) /.test(one))
        .map((line) => ({cause, line})),
    )
    const [first] = commands
    if (!first) return
    tried += 1
    const {cause, line} = first
    const before = probe(world)
    await made(line)
    const after = probe(world)
    const others = opened(before, after).filter((one) => !one.startsWith(`${name} `))
    expect(others, line).toEqual([])
    if (cause.id.startsWith('rule-')) {
      expect(
        opened(before, after).filter((one) => !one.startsWith(`${name} Git `)),
        line,
      ).toEqual([])
      if (name !== 'off') for (const from of ADDRESSES) expect(after, line).toContain(`${name} Git ${from}`)
    }
    const left = (await asked(`zt app explain Git --token ${name}`)) as unknown as {causes: {id: string}[]}
    expect(
      left.causes.map(({id}) => id),
      line,
    ).not.toContain(cause.id)
  })
  await untilCovered(
    () => fc.assert(property, {numRuns: RUNS, endOnFailure: true}),
    () => (tried > 0 ? [] : ['a command']),
  )
})

it('whatever an account is: token reach, app explain --all and the edge say the same of who gets in', async () => {
  const met = new Set<string>()
  const property = fc.asyncProperty(accounts, async (account) => {
    await begin(account)
    const inside = probe(world)
    const whole = new Map<
      string,
      {tokens: {name: string; admitted: string}[]; everyone: {admitted: string}}
    >()
    for (const app of Object.keys(HOSTS))
      whole.set(app, (await asked(`zt app explain ${app} --all`))['admission'] as never)
    for (const name of TOKENS) {
      const reach = (await asked(`zt token reach ${name}`)) as unknown as {
        opens: {application: {name: string}; reach: 'yes' | 'conditional'}[]
      }
      for (const [app, admission] of whole) {
        const ways = reach.opens.filter((one) => one.application.name === app)
        const byRules = ways.some((one) => one.reach === 'yes')
          ? 'yes'
          : ways.length > 0
            ? 'conditional'
            : 'no'
        const said = admission.tokens.find((one) => one.name === name)?.admitted
        // What a disabled token would open is said by its rules, and who gets in by its state.
        expect(said, `${name} ${app}`).toBe(name === 'off' ? admission.everyone.admitted : byRules)
        const from = ADDRESSES.filter((one) => inside.has(`${name} ${app} ${one}`))
        if (said === 'yes') expect(from, `${name} ${app}`).toEqual(ADDRESSES)
        if (said === 'no') expect(from, `${name} ${app}`).toEqual([])
        met.add(String(said))
      }
    }
  })
  await untilCovered(
    () => fc.assert(property, {numRuns: Math.ceil(RUNS / 4), endOnFailure: true}),
    () => ['yes', 'conditional', 'no'].filter((one) => !met.has(one)),
  )
})
