import type {Application, Group} from '../api/types.js'
import {evaluate} from './evaluate.js'

/** Whether a service token gets into an application; `conditional`: depending on where the request comes from. */
export type Reach = 'yes' | 'conditional' | 'no'

/** Whether a valid service token gets into an application. */
export function reachOf(
  tokenId: string,
  application: Pick<Application, 'name' | 'policies'>,
  groups: ReadonlyMap<string, Group>,
): Reach {
  const request = {serviceTokenId: tokenId, ip: undefined, country: undefined}
  const {admitted, mayAdmit} = evaluate({application, groups, request})
  return admitted ? 'yes' : mayAdmit ? 'conditional' : 'no'
}
