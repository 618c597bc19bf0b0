import {PassThrough} from 'node:stream'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {framesOf, redactStream} from '../../src/lib/system/crash.js'
import {nameOfThrown} from '../../src/lib/core/errors.js'

const canary = 'CANARY with blanks'

describe('the trace of an error', () => {
  it('says where it was thrown and what caused it', () => {
    const trace = framesOf(new TypeError('outer', {cause: new RangeError('inner')}))
    expect(trace[0]).toBe('TypeError')
    expect(trace[1]).toMatch(/^ {4}at .*crash\.test\.ts:\d+:\d+\)?$/)
    expect(trace).toContain('caused by:')
    expect(trace).toContain('RangeError')
    expect(trace.join('\n')).not.toMatch(/outer|inner/)
  })

  it.each([
    ['in its message', () => new Error(canary)],
    ['on several lines', () => new Error(`${canary}\n${canary}\n\n${canary}`)],
    ['in a message that imitates frames', () => new Error(`x\n    at ${canary}\n    at ${canary} (a:1:1)`)],
    ['in a message that looks like frames', () => new Error(`x\n    at ${canary} (file:///x.js:1:1)`)],
    ['in its name', () => Object.assign(new Error('x'), {name: canary})],
    ['in its code', () => Object.assign(new Error('x'), {code: canary})],
    ['in its cause', () => new Error('x', {cause: new Error(canary)})],
    ['in a cause that is no error', () => new Error('x', {cause: canary})],
    ['in the errors of several', () => new AggregateError([new Error(canary)], canary)],
    ['in a stack of its own', () => Object.assign(new Error('x'), {stack: canary})],
    ['in a message that was changed later', () => Object.assign(new Error(canary), {message: 'x'})],
    ['thrown as it is', () => canary],
    ['in an object that is no error', () => ({message: canary, stack: canary, name: canary})],
  ])('holds no text that is %s', (_where, make) => {
    expect([...framesOf(make()), nameOfThrown(make())].join('\n')).not.toContain('CANARY')
  })

  it('holds nothing of any message', () => {
    fc.assert(
      fc.property(fc.string({minLength: 4, unit: 'grapheme'}), (text) => {
        fc.pre(/[^\w\s.:()/]/.test(text))
        const mark = `§${text}§`
        expect(framesOf(new Error(mark)).join('\n')).not.toContain('§')
        expect(framesOf(new Error(`\n    at ${mark} (file:///x:1:1)`)).join('\n')).not.toContain('§')
      }),
    )
  })

  it('ends where causes go round in a circle', () => {
    const error = new Error('x')
    error.cause = error
    expect(framesOf(error).filter((line) => line === 'caused by:')).toHaveLength(3)
  })

  it('survives a stack that cannot be read', () => {
    const error = new Error('x')
    Object.defineProperty(error, 'stack', {
      get: () => {
        throw new Error(canary)
      },
    })
    expect(framesOf(error)).toEqual(['Error'])
  })
})

describe('the kind of what was thrown', () => {
  it.each([
    [Object.assign(new Error('x'), {code: 'ECONNRESET'}), 'ECONNRESET'],
    [new TypeError('x'), 'TypeError'],
    [Object.assign(new Error('x'), {code: 'cfast_abc'}), 'Error'],
    [Object.assign(new Error('x'), {code: 42, name: 'not a word'}), 'Error'],
    [undefined, 'undefined'],
    [null, 'object'],
    ['text', 'string'],
    [{code: 'E_X'}, 'E_X'],
  ])('%j: %s', (thrown, name) => {
    expect(nameOfThrown(thrown)).toBe(name)
  })
})

it('a stream passes everything on but secrets, in whatever form it is written', async () => {
  const secret = 'cfast_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789'
  const stream = new PassThrough()
  redactStream(stream as unknown as NodeJS.WriteStream)
  const binary = Buffer.from([0, 255, 128, 10])
  stream.write(`text ${secret}\n`)
  stream.write(Buffer.from(`bytes ${secret}\n`))
  stream.write(binary)
  await new Promise<void>((resolve) => stream.end('last', 'utf8', () => resolve()))
  // Node 26 reads one piece at a time.
  const written = Buffer.concat((await stream.toArray()) as Buffer[])
  expect(written).toEqual(
    Buffer.concat([Buffer.from('text [hidden]\nbytes [hidden]\n'), binary, Buffer.from('last')]),
  )
})
