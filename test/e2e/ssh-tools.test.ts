import {randomBytes} from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {findProgram} from '../../src/lib/system/programs.js'
import {sshdProgram} from '../support/sshd.js'
import {TUNNELLED as host, TunnelledSshd} from '../support/tunnelled-sshd.js'

const has = (name: string): boolean => {
  const found = findProgram(name, process.env) !== undefined
  if (!found) process.stderr.write(`SKIPPED: there is no ${name}; .ci/run installs it\n`)
  return found
}
if (sshdProgram === undefined)
  process.stderr.write(
    'SKIPPED: there is no sshd (neither ZT_TEST_SSHD nor /usr/sbin/sshd); .ci/run brings one\n',
  )

describe.skipIf(sshdProgram === undefined)(
  'with the block in the configuration, by the plain host name',
  () => {
    let world: TunnelledSshd
    const at = (...parts: string[]): string => path.join(world.zt.home, ...parts)
    const data = randomBytes(3 * 1024 * 1024)

    beforeAll(async () => {
      world = await TunnelledSshd.make()
      const {zt, config, sshd} = world
      const written = await zt.json<{action: string}>(
        ['ssh', 'config', `${sshd.user}@${host}`, '--write', '--file', config, '--yes'], // prettier-ignore
      )
      expect(written.action).toBe('add')
      await fs.writeFile(at('data'), data)
      world.relay.taken()
    })
    afterAll(() => world.close())

    it('ssh runs a command and ends with its status; a dozen in a row cost one handshake', async () => {
      for (let status = 0; status < 12; status++)
        expect(await world.ssh(host, `exit ${status}`)).toEqual({code: status, stdout: '', stderr: ''})
      expect(world.relay.taken()).toBe(1)
    })

    it.skipIf(!has('scp')).each([[[]], [['-O']]])('scp %j copies there and back', async (more) => {
      const scp = ['-q', '-F', world.config, ...more]
      expect(await world.run('scp', [...scp, at('data'), `${host}:${at('there')}`])).toMatchObject({code: 0})
      expect(await world.run('scp', [...scp, `${host}:${at('there')}`, at('back')])).toMatchObject({code: 0})
      expect((await fs.readFile(at('back'))).equals(data)).toBe(true)
      await fs.rm(at('back'))
    })

    it.skipIf(!has('sftp'))('sftp gets a file', async () => {
      await fs.writeFile(at('batch'), `get ${at('data')} ${at('by-sftp')}\n`)
      expect(await world.run('sftp', ['-F', world.config, '-b', at('batch'), host])).toMatchObject({code: 0})
      expect((await fs.readFile(at('by-sftp'))).equals(data)).toBe(true)
    })

    it.skipIf(!has('rsync'))('rsync brings a tree there, and then only what is new', async () => {
      await fs.mkdir(at('tree', 'below'), {recursive: true})
      await fs.writeFile(at('tree', 'below', 'data'), data)
      const rsync = [
        '-a',
        '--stats',
        '-e',
        `ssh -F ${world.config}`,
        at('tree') + '/',
        `${host}:${at('copy')}/`,
      ]
      expect(await world.run('rsync', rsync)).toMatchObject({code: 0})
      expect((await fs.readFile(at('copy', 'below', 'data'))).equals(data)).toBe(true)
      const again = await world.run('rsync', rsync)
      expect(again.stdout).toMatch(/Number of regular files transferred: 0\b/)
    })

    it.skipIf(!has('git'))('git clones, pushes and fetches', async () => {
      const env = {
        GIT_SSH_COMMAND: `ssh -F ${world.config}`,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        ...Object.fromEntries(['AUTHOR', 'COMMITTER'].flatMap((who) => [[`GIT_${who}_NAME`, 'x'], [`GIT_${who}_EMAIL`, 'x@x']])), // prettier-ignore
      }
      const git = async (...args: string[]): Promise<string> => {
        const end = await world.run('git', args, env)
        expect(end.code, end.stderr).toBe(0)
        return end.stdout
      }
      await git('init', '-q', '--bare', at('origin.git'))
      await git('clone', '-q', `ssh://${host}${at('origin.git')}`, at('clone'))
      await git('-C', at('clone'), 'commit', '-q', '--allow-empty', '-m', 'through the tunnel')
      await git('-C', at('clone'), 'push', '-q', 'origin', 'HEAD:main')
      await git('clone', '-q', '-b', 'main', `${host}:${at('origin.git')}`, at('second'))
      expect(await git('-C', at('second'), 'log', '--format=%s')).toBe('through the tunnel\n')
    })

    it.skipIf(!has('ansible'))('Ansible pings the host and copies a file, idempotently', async () => {
      const env = {
        ANSIBLE_LOCAL_TEMP: at('ansible-local'),
        ANSIBLE_REMOTE_TMP: at('ansible-remote'),
        ANSIBLE_PYTHON_INTERPRETER: 'auto_silent',
        LANG: 'C.UTF-8',
      }
      const ansible = (...args: string[]) =>
        world.run(
          'ansible',
          ['-i', `${host},`, 'all', '--ssh-common-args', `-F ${world.config}`, ...args],
          env,
        )
      const ping = await ansible('-m', 'ping')
      expect(ping.stdout + ping.stderr).toContain('"ping": "pong"')
      const copy = ['-m', 'copy', '-a', `src=${at('batch')} dest=${at('by-ansible')}`]
      await fs.writeFile(at('batch'), 'by Ansible')
      expect((await ansible(...copy)).stdout).toContain('CHANGED')
      expect((await ansible(...copy)).stdout).toContain('SUCCESS')
      expect(await fs.readFile(at('by-ansible'), 'utf8')).toBe('by Ansible')
    })

    it('it is a ProxyJump to a host behind it', async () => {
      const inner = ['-J', host, '-p', String(world.sshd.port), `${world.sshd.user}@127.0.0.1`]
      expect(await world.ssh(...inner, 'echo "$SSH_CONNECTION"')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`127.0.0.1 ${world.sshd.port}`) as string,
      })
    })

    it('-W carries stdin and stdout to a host behind it', async () => {
      const end = await world.ssh('-W', `127.0.0.1:${world.sshd.port}`, host)
      expect(end.stdout).toMatch(/^SSH-2\.0-OpenSSH/)
    })

    it('-o of the person comes before the block', async () => {
      world.relay.taken()
      const alone = ['-o', 'ControlPath=none', '-o', 'ServerAliveInterval=7']
      expect(await world.ssh(...alone, host, 'true')).toMatchObject({code: 0})
      expect(world.relay.taken()).toBe(1)
      const refused = await world.ssh('-o', 'ControlPath=none', '-o', 'User=nobody-here', host, 'true')
      expect(refused).toMatchObject({
        code: 255,
        stderr: expect.stringContaining('Permission denied') as string,
      })
    })

    it('and without the block it is reached no more, and the configuration is as it was', async () => {
      const before = (await fs.readFile(world.config, 'utf8')).split('# zt: begin')[0] ?? ''
      await world.ssh('-O', 'exit', host)
      await world.zt.json(['ssh', 'config', host, '--remove', '--file', world.config, '--yes'])
      expect(await fs.readFile(world.config, 'utf8')).toBe(before)
      expect(await world.ssh('-o', 'ConnectTimeout=5', host, 'true')).toMatchObject({code: 255})
    })
  },
)
