import {createHash} from 'node:crypto'
import type {Environment} from '../../../config/paths.js'
import type {Settings} from '../../../config/types.js'
import {UserError} from '../../../core/errors.js'
import {normaliseHostPattern} from '../../../core/hostname.js'
import {quoteForPerson} from '../../../core/quote.js'
import {findProgram} from '../../../system/programs.js'
import {proxyCommand} from '../../proxy/command.js'
import {chooseToken} from '../../target/target.js'
import type {AdoptedLine, AdoptionOutcome, LeftLine, TunnelClient} from '../../types.js'
import {settingIn, sshNotFound, type SshAnswer} from '../ask-ssh.js'
import {configLines, readConfiguration, type Configuration, type ConfigurationFile} from '../configuration.js'
import {bytesOf, SAMPLE, sampleOf} from '../config-values.js'
import {meaningOf} from '../route.js'
import {proxyLines, withProxyLines, type ProxyLine} from './adopted-lines.js'
import {answersFor, namesIn} from './aliases.js'
import {replaceAsPlanned, type PlannedFile} from './change.js'
import {readCloudflared, runsCloudflared} from './cloudflared-line.js'
import {unifiedDiff, withoutSecrets} from './diff.js'
import {readConfigFile} from './file.js'

export interface AdoptionOptions {
  /** There must be none: it is about all hosts of the configuration. */
  host?: string | undefined
  /** The configuration; files that it includes are changed too. */
  file: string
  /** Give each adopted line back to its own bytes. */
  remove: boolean
  settings: Settings
  client: TunnelClient
  /** The command that starts zt (system/zt-program.ts), with absolute paths. */
  program: readonly string[]
  env: Environment
  /**
   * Which lines: all, if it is left out.
   *
   * @param key identifies a line, whether or not zt has adopted it
   * @param hosts that it connects to, by what ssh says; none where it is not installed
   */
  isWanted?: ((key: string, hosts: ReadonlySet<string>) => boolean) | undefined
  /** A host that will be bound to a token when the change is made. */
  assumed?: string | undefined
}

export interface AdoptionPlan extends AdoptionOutcome {
  files: PlannedFile[]
  /** Of the lines that move, as `isWanted` gets them. */
  keys: string[]
  /** Someone has edited what zt wrote in place of one of them. */
  edited: boolean
}

/** How many of the names that no line of cloudflared is for are compared before and after. */
const MOST_OTHERS = 50

/** A ProxyCommand of cloudflared in one of the files. */
interface Candidate {
  file: string
  line: ProxyLine
}

/**
 * How to move each ProxyCommand of `cloudflared access` to zt, and nothing else of the configuration, or back. Asks ssh
 * what each name means before and after; only the ProxyCommand may differ. Changes nothing yet.
 *
 * @throws UserError `usage` / `ADOPT_TAKES_NO_HOST`; `needs-action` / `SSH_NOT_FOUND`; `conflict` / `ADOPTION_NOT_EFFECTIVE`; `config` / `FILE_NOT_READABLE`
 */
export function planAdoption(options: AdoptionOptions): Promise<AdoptionPlan> {
  const {host, remove} = options
  if (host !== undefined) throw everyHost()
  return remove ? planBack(options) : planToZt(options)
}

async function planToZt(options: AdoptionOptions): Promise<AdoptionPlan> {
  const {file, env} = options
  const ssh = findProgram('ssh', env)
  if (ssh === undefined) throw sshNotFound()
  const configuration = readConfiguration({file, ssh})
  const {candidates, warnings} = await candidatesIn(configuration)
  // Those of the lines first: of other names not all are asked.
  const theirs = new Set(candidates.flatMap(({line}) => samplesOf(line)))
  const names = [...theirs, ...[...namesIn(configuration).keys()].slice(0, MOST_OTHERS)]
  const question = {ssh, env, file, configuration}
  const before = candidates.length === 0 ? new Map<string, SshAnswer>() : await answersFor(question, names)
  const moves: Move[] = []
  const left: LeftLine[] = []
  for (const candidate of candidates) {
    const decision = await decide(candidate, before, options)
    if (decision === 'not-wanted') continue
    if ('why' in decision) left.push({...placeOf(candidate), ...decision})
    else moves.push({...candidate, ...decision})
  }
  const plan = await outcomeOf(file, configuration, {moves, left, warnings})
  const {files, possible} = plan
  const texts = new Map(files.map((one) => [one.file, one.after]))
  const after = await answersFor(
    {...question, configuration: readConfiguration({file, ssh, texts}), edited: true},
    files.length === 0 ? [] : names,
  )
  const kept = candidates
    .filter(({line}) => !possible.some((move) => move.line === line))
    .map(({line}) => inUse(line))
  compare(before, after, {moves: possible, kept: new Set(kept)}, file)
  return plan
}

async function planBack({file, isWanted, env}: AdoptionOptions): Promise<AdoptionPlan> {
  const ssh = findProgram('ssh', env) ?? ''
  const configuration = readConfiguration({file, ssh})
  const {candidates, warnings} = await candidatesIn(configuration)
  const adopted = candidates.filter(({line}) => line.current !== undefined)
  const names = isWanted && ssh !== '' ? adopted.flatMap(({line}) => samplesOf(line)) : []
  const answers =
    names.length === 0
      ? new Map<string, SshAnswer>()
      : await answersFor({ssh, env, file, configuration}, names)
  const moves = adopted
    .filter((one) => isWanted?.(keyOf(one), hostsOf(one.line, samplesOf(one.line), answers)) ?? true)
    .map((candidate): Move => ({...candidate, command: 'own', names: []}))
  return outcomeOf(file, configuration, {moves, left: [], warnings})
}

/** The files as they will be. Lines in files that zt cannot write are left. */
async function outcomeOf(
  file: string,
  configuration: Configuration,
  {moves, left, warnings}: {moves: readonly Move[]; left: readonly LeftLine[]; warnings: readonly string[]},
): Promise<AdoptionPlan & {possible: Move[]}> {
  const notWritten: LeftLine[] = []
  const files = await plannedFiles(configuration, moves, notWritten)
  const possible = moves.filter((move) => files.some((one) => one.file === move.file))
  return {
    file,
    adopted: possible.flatMap(adoptedLine),
    left: [...left, ...notWritten],
    diff: diffOf(files),
    warnings: [...warnings, ...editedWarnings(possible)],
    files,
    keys: possible.map(keyOf),
    edited: possible.some(losesEdit),
    possible,
  }
}

/** The same before and after its adoption. Equal lines of one section have one key. */
function keyOf({file, line: {section, original}}: Candidate): string {
  const text = [file, section.line ?? '', original].join('\0')
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 16)
}

/** Writes the files as planned. */
export async function applyAdoption({files}: AdoptionPlan, state: string): Promise<void> {
  await replaceAsPlanned(files, state)
}

interface Move extends Candidate {
  /** The new ProxyCommand; `own`: the person's own line. */
  command: string
  /** Names for which ssh uses this line now. */
  names: string[]
}

async function candidatesIn({
  files,
  complete,
  main,
}: Configuration): Promise<{candidates: Candidate[]; warnings: string[]}> {
  const candidates: Candidate[] = []
  const warnings: string[] = []
  const seen = new Set<string>()
  for (const {file, text} of files.values()) {
    const {lines, damaged} = proxyLines(text)
    for (const number of damaged)
      warnings.push(
        `line ${number} of ${file} says that zt adopted the line below it, which is no ProxyCommand`,
      )
    const found = lines.filter(({value, current}) => current !== undefined || runsCloudflared(value))
    if (found.length === 0) continue
    const {real} = await readConfigFile(file).catch(() => ({real: file}))
    // By another name, it has been read already.
    if (!seen.has(real)) candidates.push(...found.map((line) => ({file, line})))
    seen.add(real)
  }
  if (!complete)
    warnings.push(`zt could not read every file that ${main.join(', ')} includes, and left those alone`)
  return {candidates, warnings}
}

/** What to do with one line. */
async function decide(
  candidate: Candidate,
  answers: ReadonlyMap<string, SshAnswer>,
  options: AdoptionOptions,
): Promise<{command: string; names: string[]} | {why: string; next: readonly string[]} | 'not-wanted'> {
  const {line} = candidate
  if (options.isWanted) {
    const hosts = hostsOf(line, samplesOf(line), answers)
    if (!options.isWanted(keyOf(candidate), hosts)) return 'not-wanted'
  }
  const read = readCloudflared(text(line.value))
  if ('refused' in read) return {why: read.refused, next: nextFor(read.refused)}
  const {settings, program, client} = options
  const {patterns} = line.section
  if (!patterns)
    return {
      why:
        line.section.line === undefined
          ? 'Its file has no Host line above it'
          : 'Its Match section has criteria that only ssh can evaluate',
      next: [],
    }
  const samples = samplesOf(line)
  const [asked] = samples
  if (asked !== undefined && !samples.some((name) => answers.has(name)))
    return {
      why: `ssh does not say what it does for ${asked}`,
      next: [`ssh -G -F ${quoteForPerson(options.file)} ${quoteForPerson(asked)}`],
    }
  const names = samples.filter((name) => {
    const answer = answers.get(name)
    return answer && settingIn(answer, 'proxycommand') === inUse(line)
  })
  if (names.length === 0) return {why: 'ssh does not use it: a line before it counts', next: []}
  const hosts = hostsOf(line, names, answers)
  if (options.assumed !== undefined) hosts.delete(options.assumed)
  const bound = await boundReason(hosts, settings)
  if (bound) return bound
  const command = proxyCommand({
    program,
    profile: settings.profileName,
    client,
    ...{connectTo: undefined, caFile: undefined, destination: read.destination, host: read.host},
  })
  return {command, names}
}

/** The hosts and patterns of hosts that a line connects to: each must be bound, or else it would no longer connect. */
function hostsOf(
  {section}: ProxyLine,
  names: readonly string[],
  answers: ReadonlyMap<string, SshAnswer>,
): Set<string> {
  return new Set([
    ...(section.patterns ?? []).filter((pattern) => pattern.includes('?')),
    ...names.flatMap((name) => {
      const answer = answers.get(name)
      return answer ? [meaningOf(answer, name).host.replaceAll(SAMPLE, '*')] : []
    }),
  ])
}

/** Why no token can be used for one of the hosts; undefined if all are bound. */
async function boundReason(
  hosts: ReadonlySet<string>,
  settings: Settings,
): Promise<{why: string; next: readonly string[]} | undefined> {
  // Only the binding counts later, not this shell's environment.
  const lasting = {...settings, environmentCredentials: undefined}
  for (const host of hosts) {
    try {
      if (host === '*' || host.includes('?')) throw tooWide(host)
      await chooseToken({settings: lasting, host: normaliseHostPattern(host)})
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      return {why: error.message, next: error.next}
    }
  }
  return undefined
}

function tooWide(pattern: string): UserError {
  return new UserError({
    kind: 'not-found',
    code: 'HOST_NOT_BOUND',
    message: `It is for every host that "${pattern}" matches, and zt sends a secret only to hosts that are bound to its token`,
  })
}

function nextFor(why: string): string[] {
  return /credentials/.test(why)
    ? ['Keep them in zt instead (zt token import NAME --host HOST), and take them out of the line']
    : []
}

/** The literal names of a line's section, and one name for each pattern. */
function samplesOf({section}: ProxyLine): string[] {
  return (section.patterns ?? []).map(sampleOf).filter((name) => /^[^-\s][^\s]*$/.test(name))
}

async function plannedFiles(
  {files}: Configuration,
  moves: readonly Move[],
  left: LeftLine[],
): Promise<PlannedFile[]> {
  const planned: PlannedFile[] = []
  for (const file of files.values()) {
    const here = moves.filter((move) => move.file === file.file)
    const after = withProxyLines(file.text, proxyLines(file.text).lines, changesOf(here))
    if (after === file.text) continue
    try {
      planned.push({file: file.file, current: await readUnchanged(file), after})
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      const {message, why, next} = error
      left.push(
        ...here.map((move) => ({
          ...placeOf(move),
          why: why === undefined ? message : `${message}: ${why}`,
          next,
        })),
      )
    }
  }
  return planned
}

async function readUnchanged({file, text: read}: ConfigurationFile): Promise<PlannedFile['current']> {
  const current = await readConfigFile(file)
  if (current.text === read) return current
  throw new UserError({
    kind: 'conflict',
    code: 'SSH_CONFIG_CHANGED',
    message: `${file} is being written`,
    next: ['Run the command again'],
  })
}

function changesOf(moves: readonly Move[]): Map<number, {command: string} | 'own'> {
  return new Map(
    moves.map(({line, command}) => [line.number, command === 'own' ? 'own' : {command: bytesOf(command)}]),
  )
}

/**
 * Whether ssh would do what the plan says, for every name in the configuration: only the ProxyCommand of what was moved
 * may differ.
 */
function compare(
  before: ReadonlyMap<string, SshAnswer>,
  after: ReadonlyMap<string, SshAnswer>,
  planned: {moves: readonly Move[]; kept: ReadonlySet<string>},
  file: string,
): void {
  if (planned.moves.length === 0) return
  for (const [name, was] of before) {
    const is = after.get(name)
    const wrong = is ? differences(name, was, is, planned) : ['everything']
    if (wrong.length > 0) throw notEffective(file, name, wrong)
  }
}

/**
 * The keywords whose value is not as planned. Where another line has the same ProxyCommand, which of them ssh uses for a
 * name is not known.
 */
function differences(
  name: string,
  was: SshAnswer,
  is: SshAnswer,
  {moves, kept}: {moves: readonly Move[]; kept: ReadonlySet<string>},
): string[] {
  const used = settingIn(was, 'proxycommand')
  const same = moves.filter(({line}) => inUse(line) === used)
  const own = same.filter(({names}) => names.includes(name))
  const allowed: (string | undefined)[] = (own.length > 0 ? own : same).map(({command}) => command)
  if (own.length === 0 || kept.has(used ?? '')) allowed.push(used)
  const [before, after] = [new Set(rest(was)), new Set(rest(is))]
  const changed = [...before]
    .filter((one) => !after.has(one))
    .concat([...after].filter((one) => !before.has(one)))
  return [
    ...(allowed.includes(settingIn(is, 'proxycommand')) ? [] : ['ProxyCommand']),
    ...changed.map((setting) => setting.split(' ')[0] ?? ''),
  ]
}

function rest({settings}: SshAnswer): string[] {
  return settings.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('proxycommand '))
}

function notEffective(file: string, name: string, keywords: readonly string[]): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'ADOPTION_NOT_EFFECTIVE',
    message: `With these changes of ${file}, ssh would not do for ${name} what zt planned`,
    why: `It would have another value for ${[...new Set(keywords)].join(', ')}. Nothing was changed.`,
    next: [`ssh -G -F ${quoteForPerson(file)} ${quoteForPerson(name)}`],
    details: {file, name},
  })
}

function placeOf({file, line}: Candidate): Pick<LeftLine, 'file' | 'line' | 'section'> {
  return {file, line: line.number, section: line.section.line && shown(line.section.line)}
}

function adoptedLine({file, line, command}: Move): AdoptedLine[] {
  const before = line.current ?? line.original
  const after = command === 'own' ? line.original : `ProxyCommand ${command}`
  return text(before) === after
    ? []
    : [{...placeOf({file, line}), before: shown(before), after: withoutSecrets(after)}]
}

function losesEdit(move: Move): boolean {
  return move.line.edited && adoptedLine(move).length > 0
}

function editedWarnings(moves: readonly Move[]): string[] {
  return moves
    .filter(losesEdit)
    .map(
      ({file, line}) =>
        `Someone has edited zt's ProxyCommand in line ${line.number + 1} of ${file}; that edit will be lost`,
    )
}

function diffOf(files: readonly PlannedFile[]): string {
  return files.map(({file, current, after}) => unifiedDiff(file, current.text ?? '', after)).join('\n')
}

/** The value of the line as ssh prints it. */
function inUse({current, value}: ProxyLine): string {
  return text(current === undefined ? value : valueOf(current))
}

function valueOf(line: string): string {
  return [...configLines(line)][0]?.value ?? ''
}

/** Bytes as latin1 in UTF-8. */
function text(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

function shown(latin1: string): string {
  return withoutSecrets(text(latin1).trim())
}

function everyHost(): UserError {
  return new UserError({
    kind: 'usage',
    code: 'ADOPT_TAKES_NO_HOST',
    message: '--adopt takes no host: it is about all hosts of the configuration',
    next: ['zt ssh config --adopt --dry-run'],
  })
}
