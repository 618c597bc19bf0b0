import {createHash, randomBytes} from 'node:crypto'
import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {bin, BuiltZt} from '../support/built-zt.js'
import {sshdProgram, startSshd, type Sshd} from '../support/sshd.js'

const host = 'gitlab-ssh.widgetcorp.tech'
const MIB = 1024 * 1024

if (sshdProgram === undefined)
  process.stderr.write(
    'skipped: there is no sshd (neither ZT_TEST_SSHD nor /usr/sbin/sshd); .ci/run brings one\n',
  )

describe.skipIf(sshdProgram === undefined)('a real sshd behind the edge', () => {
  let zt: BuiltZt
  let sshd: Sshd
  const clientSecrets: string[] = []

  beforeAll(async () => {
    sshd = await startSshd()
    zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
    await zt.json(['sandbox', 'start', '--origin', `${host}=127.0.0.1:${sshd.port}`])
    const created = await zt.json<{clientSecret: string}>(['token', 'create', 'copier', '--reveal'])
    clientSecrets.push(created.clientSecret)
    await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'copier'])
  })

  afterAll(async () => {
    await zt.end()
    await sshd.close()
  })

  const ssh = (command: string, before: string[] = []): string[] => [
    ...['ssh', `${sshd.user}@${host}`, ...before, '--', ...sshd.clientOptions],
    command,
  ]

  it('carries 64 MiB each way byte for byte', async () => {
    const data = randomBytes(64 * MIB)
    const there = path.join(zt.home, 'there')
    const up = await exchange(zt, ssh(`cat > ${there} && sha256sum ${there}`), data)
    expect(up.code).toBe(0)
    expect(up.stdout.toString()).toContain(sha256(data))
    expect(sha256(await fs.readFile(there))).toBe(sha256(data))

    const down = await exchange(zt, ssh(`cat ${there}`), Buffer.alloc(0))
    expect(down.code).toBe(0)
    expect(down.stdout.length).toBe(data.length)
    expect(sha256(down.stdout)).toBe(sha256(data))
  })

  it.each([0, 1, 42, 254])('ends with the status %i of the remote command', async (status) => {
    expect(await zt.run(ssh(`exit ${status}`))).toMatchObject({code: status})
  })

  it('shows no secret in the command line or environment of any process while a session runs', async () => {
    const seen = new Set<string>()
    let running = true
    const watch = (async () => {
      while (running) for (const text of await processTexts()) seen.add(text)
    })()
    const end = await zt.run(ssh('echo ready; read line; echo "got $line"'), {
      stdinStaysOpen: true,
      onStart: (child) => {
        child.stdout?.once('data', () => {
          void processTexts().then((all) => {
            for (const text of all) seen.add(text)
            child.stdin?.end('over\n')
          })
        })
      },
    })
    running = false
    await watch
    expect(end).toMatchObject({code: 0})
    expect(end.stdout).toContain('got over')
    // The searched output really contains the expected text.
    expect([...seen].some((text) => text.includes('ssh proxy --profile sandbox'))).toBe(true)
    expect([...seen].some((text) => text.includes(`XDG_DATA_HOME=${zt.home}`))).toBe(true)
    for (const secret of clientSecrets) {
      expect(secret).toMatch(/\S{20,}/)
      expect([...seen].filter((text) => text.includes(secret))).toEqual([])
    }
  })

  it('passes a signal on to ssh and dies of it as ssh does', async () => {
    const end = await new Promise<{code: number | null; signal: string | null}>((resolve, reject) => {
      const child = spawn(process.execPath, [bin, ...ssh('echo ready; sleep 60')], {
        env: zt.env,
        cwd: zt.home,
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      child.stdout.once('data', () => child.kill('SIGTERM'))
      child.once('error', reject)
      child.once('close', (code, signal) => {
        resolve({code, signal})
      })
    })
    // OpenSSH's client exits with 255 on SIGTERM.
    expect(end).toEqual({code: 255, signal: null})
  })

  it('serves several sessions at once', async () => {
    const ends = await Promise.all(Array.from({length: 6}, (_, at) => zt.run(ssh(`echo session-${at}`))))
    expect(ends.map(({stdout}) => stdout.trim())).toEqual(ends.map((_, at) => `session-${at}`))
  })
})

interface Exchange {
  code: number | null
  stdout: Buffer
}

function exchange(zt: BuiltZt, args: string[], input: Buffer): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], {
      env: zt.env,
      cwd: zt.home,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stdin.on('error', reject)
    child.stdin.end(input)
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({code, stdout: Buffer.concat(chunks)})
    })
  })
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

/** The command line and environment of every process that this user can inspect. */
async function processTexts(): Promise<string[]> {
  const pids = (await fs.readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const files = pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`])
  const texts = await Promise.all(files.map((file) => fs.readFile(file, 'utf8').catch(() => '')))
  return texts.map((text) => text.replaceAll('\0', ' '))
}
