import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {isAtLocalhost, localNameOf} from '../../../src/lib/tunnel/forward/local-name.js'

describe('the name of a host below localhost', () => {
  it.each([
    ['grafana.example.com', 'grafana-example-com.localhost'],
    ['gitlab-ssh.example.com', 'gitlab--ssh-example-com.localhost'],
    ['a.b.com', 'a-b-com.localhost'],
    ['a-b.com', expect.stringMatching(/^a--b-com\.localhost$/)],
    ['xn--bcher-kva.example', expect.stringMatching(/^host-xn-bcher-kva-example--[0-9a-f]{16}\.localhost$/)],
    ['xn-a.example', expect.stringMatching(/^host-xn-a-example--/)],
    ['_dmarc.example.com', expect.stringMatching(/^host--dmarc-example-com--/)],
    [`${'a'.repeat(63)}.example.com`, expect.stringMatching(/^host-a{40}--[0-9a-f]{16}\.localhost$/)],
  ])('of %s', (host, name) => {
    expect(localNameOf(host)).toEqual(name)
  })

  it('is one label that browsers take as it is, and each host has its own', () => {
    // Few letters, so that hosts that differ only in their hyphens and dots are common.
    const label = fc.stringMatching(/^[ax](?:[ax_-]{0,4}[ax])?$/)
    const host = fc.array(label, {minLength: 1, maxLength: 4}).map((labels) => labels.join('.'))
    fc.assert(
      fc.property(host, host, (one, other) => {
        const name = localNameOf(one)
        expect(name).toMatch(/^(?!xn--)[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\.localhost$/)
        expect(new URL(`http://${name}:80/`).hostname).toBe(name)
        expect(name === localNameOf(other)).toBe(one === other)
      }),
      {numRuns: 500},
    )
  })

  it('is shown only where a browser that opens it reaches the listener', () => {
    const at = (address: string): boolean => isAtLocalhost({address, port: 1})
    expect([at('127.0.0.1'), at('::1')]).toEqual([true, true])
    expect([at('127.0.0.2'), at('0.0.0.0'), at('192.168.1.1')]).toEqual([false, false, false])
  })
})
