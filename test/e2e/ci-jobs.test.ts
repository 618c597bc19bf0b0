import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {findProgram} from '../../src/lib/system/programs.js'
import {BuiltZt, type End} from '../support/built-zt.js'
import {action, documentedJobs, type Job} from '../support/ci-document.js'
import {formsOf} from '../support/leaks.js'
import {NamelessZt} from '../support/nameless-zt.js'
import {hasNssWrapper} from '../support/nss-wrapper.js'
import {sshdProgram, startSshd, type Sshd} from '../support/sshd.js'

const run = promisify(execFile)

/** How each CI system starts a shell step. */
const SHELLS: Record<string, string[]> = {
  'GitHub Actions': ['bash', '-e'],
  'action.yml': ['bash', '--noprofile', '--norc', '-eo', 'pipefail'],
  'GitLab CI': ['bash', '-eo', 'pipefail'],
  'Bitbucket Pipelines': ['bash', '-e'],
  // It traces every command.
  Jenkins: ['sh', '-xe'],
  'A plain container': ['sh'],
}
const HOST = 'gitlab-ssh.widgetcorp.tech'
/** Their arguments are recorded; then they are what they are. */
const RECORDED = ['rsync', 'ssh', 'ssh-add', 'ssh-agent', 'printenv', 'id']

const jobs = [...documentedJobs(), action()]
const libraries = process.env['ZT_TEST_NSS_WRAPPER']
const missing = [
  ...['rsync', 'ssh', 'ssh-agent', 'bash', 'unshare'].filter((name) => !findProgram(name, process.env)),
  ...(sshdProgram === undefined ? ['sshd'] : []),
  ...(hasNssWrapper() ? [] : ['libnss-wrapper']),
]
if (missing.length > 0)
  process.stderr.write(`SKIPPED: there is no ${missing.join(', ')}; .ci/run brings it\n`)

describe('the jobs of docs/how-to/ci.md', () => {
  it('are those that are run, with one shell step, the same in each; action.yml repeats it', () => {
    expect(jobs.map(({name}) => name).sort()).toEqual(Object.keys(SHELLS).sort())
    const [first, ...others] = jobs
    for (const {name, steps} of others.filter((one) => one.name !== 'action.yml'))
      expect(steps, name).toEqual(first?.steps)
    expect(first?.steps).toHaveLength(1)
    const step = (first?.steps[0] ?? '').split('\n')
    const own = (jobs.at(-1)?.steps[1] ?? '').split('\n')
    // The action installs zt in a step of its own, and runs the commands of its input.
    expect(own.filter((line) => !step.includes(line))).toEqual([
      expect.stringContaining('export RSYNC_RSH='),
      'eval "$DEPLOY_COMMANDS"',
    ])
  })

  it('have nothing in the shell that the CI system would replace or read otherwise', () => {
    for (const {name, steps} of jobs)
      for (const step of steps) expect(step, name).not.toMatch(/\$\{\{|\\|'''/)
  })
})

describe.skipIf(missing.length > 0)('a job in a bare container, as a user without a name', () => {
  let nameless: NamelessZt
  let server: BuiltZt
  let sshd: Sshd
  let values: Record<string, string>
  /** Every form of a secret that may be nowhere. */
  let secrets: string[]
  let surroundings: NodeJS.ProcessEnv
  const at = (...parts: string[]): string => path.join(nameless.home, ...parts)

  beforeAll(async () => {
    ;[nameless, server, sshd] = await Promise.all([
      NamelessZt.make(),
      BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'}),
      startSshd(),
    ])
    const origin = `${HOST}=127.0.0.1:${sshd.port}`
    const {edge = '', caFile = ''} = await server.json<Record<string, string>>([
      'sandbox',
      'start',
      '--origin',
      origin,
    ])
    const made = await server.json<{clientSecret: string; token: {clientId: string}}>([
      'token',
      'create',
      'ci',
      '--reveal',
    ])
    await server.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'])
    const [, keyFile = '', ...options] = sshd.clientOptions
    const [, knownHosts = ''] = /GlobalKnownHostsFile=(\S+)/.exec(options.join(' ')) ?? []
    const key = await fs.readFile(keyFile, 'utf8')
    values = {
      CF_ACCESS_CLIENT_ID: made.token.clientId,
      CF_ACCESS_CLIENT_SECRET: made.clientSecret,
      DEPLOY_KEY: key.trimEnd(),
      DEPLOY_KNOWN_HOSTS: `${HOST} ${(await fs.readFile(knownHosts, 'utf8')).trim().split(' ').slice(1, 3).join(' ')}`,
      DEPLOY_HOST: HOST,
      ZT_PACKAGE: 'zt-access.tgz',
    }
    secrets = [...formsOf(made.clientSecret), ...key.split('\n').slice(2, -2)]
    // The sandbox's files are its owner's.
    await fs.copyFile(caFile, at('ca.pem'))
    surroundings = {ZT_CONNECT_TO: edge, ZT_CA_FILE: at('ca.pem'), ZT_PATIENCE: '40'}
    await programs()
  })
  afterAll(async () => {
    await server.end()
    await sshd.close()
    await nameless.end()
  })

  /** On PATH before the system's: programs that write down how they were called. */
  async function programs(): Promise<void> {
    await fs.mkdir(at('programs'))
    for (const name of RECORDED) {
      const real = findProgram(name, process.env) ?? ''
      // What is in any file at this moment is looked at, too; it is removed when the job ends.
      const snapshot =
        name === 'rsync'
          ? 'find "$TMPDIR" . -type f -exec cat {} + > "$RECORDS/files"; echo "$SSH_AGENT_PID" > "$RECORDS/agent"'
          : ':'
      await fs.writeFile(
        at('programs', name),
        `#!/bin/sh\necho "$0" "$@" >> "$RECORDS/arguments"\n${snapshot}\nexec ${real} "$@"\n`,
        {mode: 0o755},
      )
    }
    // test/e2e/package.test.ts installs the package, and .ci/run runs npm ci.
    const npm = [
      '#!/bin/sh -e',
      'echo "$0" "$@" >> "$RECORDS/arguments"',
      `if [ "$1 $2 $4" = "ci --prefix --cache" ]; then test "$3" = '${nameless.packaged}'; exit; fi`,
      '[ "$1 $2 $3 $4 $6 $8" = "install --global --ignore-scripts --prefix --cache zt-access.tgz" ]',
      `mkdir -p "$5/bin"; ln -s '${nameless.packaged}/bin/zt.cjs' "$5/bin/zt"`,
    ]
    await fs.writeFile(at('programs', 'npm'), `${npm.join('\n')}\n`, {mode: 0o755})
  }

  /** Runs the shell steps of a job as its CI system does, with the variables that the job names. */
  async function runJob({name, text, steps}: Job, own: string, target: string): Promise<End> {
    const to = {...values, DEPLOY_TO: `${sshd.user}@${HOST}:${target}/`}
    const variables = name === 'action.yml' ? inputs(text, to) : {...to, ...named(text, to)}
    const systems = {
      RUNNER_TEMP: path.join(own, 'temp'),
      GITHUB_PATH: path.join(own, 'path'),
      GITHUB_ACTION_PATH: nameless.packaged,
    }
    const all: End = {code: 0, stdout: '', stderr: ''}
    const [shell = '', ...flags] = SHELLS[name] ?? []
    for (const step of steps) {
      const added = (await fs.readFile(systems.GITHUB_PATH, 'utf8').catch(() => '')).trim()
      const env = {
        PATH: [...(added === '' ? [] : [added]), at('programs'), process.env['PATH']].join(':'),
        HOME: '/',
        TMPDIR: path.join(own, 'tmp'),
        RECORDS: path.join(own, 'records'),
        ...(libraries !== undefined && {LD_LIBRARY_PATH: path.dirname(libraries)}),
        ...surroundings,
        ...systems,
        ...variables,
      }
      const script = path.join(own, 'step.sh')
      await fs.writeFile(script, step)
      const words = [
        '-c',
        'cd "$1" && shift && exec "$@"',
        'sh',
        path.join(own, 'work'),
        shell,
        ...flags,
        script,
      ]
      const {code, stdout, stderr} = await nameless.run('sh', words, env)
      all.stdout += stdout
      all.stderr += stderr
      all.code = code
      if (code !== 0) return all
    }
    return all
  }

  it("zt ssh, ssh check and exec take the pair under cloudflared's names, and say where it goes", async () => {
    const own = path.join(nameless.own, 'by-hand')
    await run('sh', ['-ec', 'mkdir "$1"; cd "$1"; mkdir -m 1777 tmp; chmod 1777 .', 'sh', own])
    const script = [
      'cd "$1"',
      'eval "$(ssh-agent -s -a "$1/agent")" > /dev/null',
      'trap \'kill "$SSH_AGENT_PID"\' EXIT',
      'printenv DEPLOY_KEY | ssh-add -q -',
      'echo "ci:x:$(id -u):$(id -g)::$1:/bin/sh" > passwd',
      'export LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD="$1/passwd" NSS_WRAPPER_GROUP=/etc/group',
      'printenv DEPLOY_KNOWN_HOSTS > known_hosts',
      'zt() { "$NODE" "$ZT" "$@"; }',
      `zt ssh ${sshd.user}@${HOST} --no-share -- -o UserKnownHostsFile="$1/known_hosts" 'echo over ssh'`,
      `zt ssh check ${HOST} --json | grep '^  "ok"'`,
      'zt exec env -- sh -c \'echo "$CF_ACCESS_CLIENT_ID ${TUNNEL_SERVICE_TOKEN_ID-none}"\'',
    ]
    const {CF_ACCESS_CLIENT_ID: id = '', CF_ACCESS_CLIENT_SECRET: secret = '', ...others} = values
    const end = await nameless.run('sh', ['-ec', script.join('\n'), 'sh', own], {
      ...{HOME: '/', TMPDIR: path.join(own, 'tmp'), NODE: process.execPath},
      ...(libraries !== undefined && {LD_LIBRARY_PATH: path.dirname(libraries)}),
      ...{...surroundings, ...others, ZT: path.join(nameless.packaged, 'bin', 'zt.cjs')},
      ...{TUNNEL_SERVICE_TOKEN_ID: id, TUNNEL_SERVICE_TOKEN_SECRET: secret},
    })
    expect(end).toEqual({
      code: 0,
      stdout: `over ssh\n  "ok": true,\n${id} none\n`,
      stderr: `note:  Sending the service token of the environment (TUNNEL_SERVICE_TOKEN_ID) to ${HOST}\n`,
    })
  })

  it.each(jobs.map((job): [string, Job] => [job.name, job]))(
    '%s deploys by rsync, and leaves no secret anywhere',
    async (name, job) => {
      const own = path.join(nameless.own, name.replaceAll(/\W/g, '-'))
      const target = await fs.mkdtemp(path.join(server.home, 'target-'))
      await run('sh', [
        '-ec',
        'mkdir "$1"; cd "$1"; mkdir -p work/site/below tmp records temp; echo one > work/site/a; echo two > work/site/below/b; chmod -R a+rwX .; chmod 1777 tmp',
        'sh',
        own,
      ])
      const end = await runJob(job, own, target)
      expect(end.code, end.stdout + end.stderr).toBe(0)
      const there = (file: string): Promise<string> => fs.readFile(path.join(target, file), 'utf8')
      expect([await there('a'), await there('below/b')]).toEqual(['one\n', 'two\n'])
      // What goes where is said.
      expect(end.stderr).toContain(`(CF_ACCESS_CLIENT_ID) to ${HOST}, and holds no secret`)

      const record = (file: string): Promise<string> => fs.readFile(path.join(own, 'records', file), 'utf8')
      const [args, files] = [await record('arguments'), await record('files')]
      for (const program of ['/rsync -a --delete', '/ssh -F', '/ssh-add -q -', '/npm '])
        expect(args).toContain(program)
      expect(files).toContain(`--token env --yes ${HOST}`)
      const {stdout: left} = await run('find', [
        own,
        '-type',
        'f',
        '-not',
        '-path',
        '*/records/*',
        '-exec',
        'cat',
        '{}',
        '+',
      ])
      for (const [where, text] of Object.entries({args, files, left, stdout: end.stdout, stderr: end.stderr}))
        expect(
          secrets.filter((secret) => text.includes(secret)),
          where,
        ).toEqual([])
      expect(await fs.readdir(path.join(own, 'tmp'))).toEqual([])
      const agent = Number(await record('agent'))
      await expect.poll(() => isRunning(agent)).toBe(false)
    },
  )
})

/** The variables that a job's text takes from the system's secrets and variables; each has the same name there. */
function named(text: string, values: Record<string, string>): Record<string, string> {
  const names = [
    ...text.matchAll(/^ +(\w+): \$\{\{ (?:secrets|vars)\.(\w+) \}\}$/gm),
    ...text.matchAll(/^ +(\w+) = credentials\('([\w-]+)'\)$/gm),
  ]
  return Object.fromEntries(
    names.map(([line, name = '', secret = '']) => {
      const value = values[secret.toUpperCase().replaceAll('-', '_')]
      if (value === undefined) throw new Error(`unknown: ${line}`)
      return [name, value]
    }),
  )
}

/** The action's variables, with the inputs that docs/how-to/ci.md gives it. */
function inputs(text: string, values: Record<string, string>): Record<string, string> {
  const given: Record<string, string | undefined> = {
    'client-id': values['CF_ACCESS_CLIENT_ID'],
    'client-secret': values['CF_ACCESS_CLIENT_SECRET'],
    'ssh-key': values['DEPLOY_KEY'],
    'known-hosts': values['DEPLOY_KNOWN_HOSTS'],
    host: values['DEPLOY_HOST'],
    run: `rsync -a --delete site/ ${values['DEPLOY_TO'] ?? ''}`,
  }
  const names = [...text.matchAll(/^ +(\w+): \$\{\{ inputs\.([\w-]+) \}\}$/gm)]
  expect(names.map(([, , input]) => input).sort()).toEqual(Object.keys(given).sort())
  return Object.fromEntries(names.map(([, name = '', input = '']) => [name, given[input] ?? '']))
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
