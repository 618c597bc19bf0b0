import {columnsOf, mark, style} from '../../cli/streams.js'
import {wrapped} from '../../cli/wrapped.js'
import type {CheckStep} from '../../tunnel/types.js'

const MARK: Record<CheckStep['state'], string> = {
  ok: mark.done,
  failed: mark.failed,
  skipped: style.secondary('-'),
  'not-tried': style.secondary('-'),
}
const TITLE: Record<CheckStep['step'], string> = {
  dns: 'DNS',
  tcp: 'TCP',
  proxy: 'proxy',
  tls: 'TLS',
  edge: 'edge',
  ssh: 'SSH',
}
const TITLE_WIDTH = 5
const TIME_WIDTH = 10
/** The width of mark, title and time, with the gaps between them. */
const LEAD = 2 + TITLE_WIDTH + 1 + TIME_WIDTH + 2

/** `✓ TLS      12.3 ms  TLSv1.3, …`; long details continue below the detail's column. */
export function checkRow({step, state, ms, detail}: CheckStep): string[] {
  const [first = '', ...more] = wrapped(detail, columnsOf('stdout') - LEAD)
  const time = (ms === undefined ? '' : `${ms.toFixed(1)} ms`).padStart(TIME_WIDTH)
  const shade = state === 'ok' || state === 'failed' ? (text: string) => text : style.secondary
  return [
    `${MARK[state]} ${TITLE[step].padEnd(TITLE_WIDTH)} ${style.secondary(time)}  ${shade(first)}`,
    ...more.map((line) => `${' '.repeat(LEAD)}${shade(line)}`),
  ]
}
