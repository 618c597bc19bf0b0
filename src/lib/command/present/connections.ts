import type {ClosedConnection, ClosedConnections} from '../../tunnel/types.js'

/** What happened to the connections that were open with a token: a line for people, if there is anything to say, and warnings. */
export function connectionsText({connections, unknown}: ClosedConnections): {
  line: string | undefined
  warnings: string[]
} {
  const of = (wanted: ClosedConnection['outcome']): ClosedConnection[] =>
    connections.filter(({outcome}) => outcome === wanted)
  const [ended, wouldEnd, kept] = [of('ended'), of('would-end'), of('kept')]
  const warnings = of('left').map((one) => `Still open: ${named(one)}; ${one.why ?? ''}`)
  if (kept.length > 0) warnings.push(`Still open: ${kept.map(named).join(', ')}`)
  if (unknown !== undefined) warnings.push(`Connections opened with it may still be open: ${unknown}`)
  let line: string | undefined
  if (ended.length > 0) line = `ended ${ended.map(named).join(', ')}`
  else if (wouldEnd.length > 0) line = `would end ${wouldEnd.map(named).join(', ')}`
  return {line, warnings}
}

/** The same for scripts. */
export function connectionsJson({connections}: ClosedConnections): object[] {
  return connections.map(({why, ...rest}) => ({...rest, why: why ?? null}))
}

function named({carries, host, pid}: ClosedConnection): string {
  return `${carries === 'ssh' ? 'SSH' : 'zt forward'} to ${host} (process ${pid})`
}
