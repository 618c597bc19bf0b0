import fs from 'node:fs/promises'
import path from 'node:path'

/**
 * A docker-credential-helper that keeps its entries in files, and that a JSON file beside it makes misbehave:
 * `{"get": "hang"}`. Every call is recorded: its argv, environment and process ID.
 */
export class FakeHelper {
  private constructor(
    readonly directory: string,
    readonly name: string,
  ) {}

  /** @param node that runs it */
  static async make(directory: string, name = 'fake', node = process.execPath): Promise<FakeHelper> {
    const helper = new FakeHelper(directory, name)
    await fs.mkdir(directory, {recursive: true})
    await fs.writeFile(path.join(directory, `docker-credential-${name}`), `#!${node}\n${PROGRAM}`, {
      mode: 0o755,
    })
    return helper
  }

  /** How an action fails from now on; undefined: it works. */
  async fault(fault: Partial<Record<'store' | 'get' | 'erase' | 'list', Fault>>): Promise<void> {
    await fs.writeFile(path.join(this.directory, 'faults.json'), JSON.stringify(fault))
  }

  async calls(): Promise<{argv: string[]; env: Record<string, string>; pid: number}[]> {
    const names = (await fs.readdir(this.directory)).filter((name) => name.startsWith('call-'))
    return Promise.all(
      names.map(
        async (name) =>
          JSON.parse(await fs.readFile(path.join(this.directory, name), 'utf8')) as {
            argv: string[]
            env: Record<string, string>
            pid: number
          },
      ),
    )
  }
}

export type Fault =
  | 'hang'
  | 'die'
  | 'garbage'
  | 'endless'
  | 'echo-in-error'
  | 'stale'
  | 'forget'
  | 'other-server'
  | 'other-user'
  | 'empty'
  | {says: string; on?: 'stdout' | 'stderr'}

const PROGRAM = String.raw`
const fs = require('node:fs'), path = require('node:path'), {spawn} = require('node:child_process')
const here = __dirname, action = process.argv[2], file = path.join(here, 'kept')
const pause = () => { setInterval(() => {}, 1000) }
const read = () => { try { return JSON.parse(fs.readFileSync(file, 'utf8')) } catch { return {} } }
// Each entry is a separate file, so that concurrent writers lose nothing.
const at = (url) => path.join(file, Buffer.from(url).toString('hex'))
const keep = (c) => { const t = at(c.ServerURL) + '.' + process.pid; fs.mkdirSync(file, {recursive: true}); fs.writeFileSync(t, JSON.stringify(c)); fs.renameSync(t, at(c.ServerURL)) }
const input = fs.readFileSync(0, 'utf8')
fs.writeFileSync(path.join(here, 'call-' + process.pid), JSON.stringify({argv: process.argv, env: process.env, pid: process.pid}))
let faults = {}
try { faults = JSON.parse(fs.readFileSync(path.join(here, 'faults.json'), 'utf8')) } catch {}
const fault = faults[action]
const say = (text, code = 0) => { process.stdout.write(text); process.exitCode = code }
const known = () => { try { return fs.readFileSync(at(input), 'utf8') } catch { return undefined } }
if (fault === 'hang') { const child = spawn('sleep', ['300'], {stdio: 'inherit'}); fs.writeFileSync(path.join(here, 'grandchild'), String(child.pid)); pause() }
else if (fault === 'die') process.kill(process.pid, 'SIGSEGV')
else if (fault === 'garbage') say('<html>' + (known() ?? input))
else if (fault === 'endless') { for (;;) fs.writeSync(1, 'x'.repeat(65536)) }
else if (fault === 'echo-in-error') { process.stderr.write('cannot: ' + (known() ?? input)); say('cannot: ' + (known() ?? input), 1) }
else if (fault === 'forget') say('')
else if (fault === 'empty') say(JSON.stringify({ServerURL: input, Username: '', Secret: ''}))
else if (fault && fault.says) { (process[fault.on ?? 'stdout']).write(fault.says); process.exitCode = 1 }
else if (action === 'store') { const c = JSON.parse(input); if (!(fault === 'stale' && fs.existsSync(at(c.ServerURL)))) keep(c) }
else if (action === 'get') {
  const c = known()
  if (c === undefined) say('credentials not found in native keychain\n', 1)
  else if (fault === 'other-server') say(JSON.stringify({...JSON.parse(c), ServerURL: 'https://other.example'}))
  else if (fault === 'other-user') say(JSON.stringify({...JSON.parse(c), Username: 'somebody'}))
  else say(c)
}
else if (action === 'erase') { if (known() === undefined) say('no such entry', 1); else fs.unlinkSync(at(input)) }
else if (action === 'list') {
  let names = []
  try { names = fs.readdirSync(file) } catch {}
  const all = {'https://index.docker.io/v1/': 'somebody'}
  for (const name of names) if (!name.includes('.')) all[Buffer.from(name, 'hex').toString()] = 'zt'
  say(JSON.stringify(all))
}
`
