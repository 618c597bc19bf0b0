import {addressOf, openAddress} from '../../lib/access/applications/address.js'
import {showApplication} from '../../lib/access/applications/list.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {chosenApplication} from '../../lib/command/choose.js'
import {zoneFlag} from '../../lib/command/flags.js'
import {applicationArg} from '../../lib/command/args.js'

export default class AppOpen extends AccessCommand<typeof AppOpen> {
  static override summary = 'Open an application in the browser'
  static override description =
    'Prints the address, and opens it if a person is at the terminal. The browser logs in as a person: it gets no service token.'
  static override examples = [
    '<%= config.bin %> app open Wiki',
    '<%= config.bin %> app open wiki.widgetcorp.tech --json',
  ]
  static override args = {application: applicationArg}
  static override flags = {zone: zoneFlag}
  static override asks = {needs: ['listApplications', 'getApplication', 'listApplicationPolicies']} as const

  async run(): Promise<object> {
    const ctx = this.access()
    const wanted = await chosenApplication(this.args.application, {
      ctx,
      prompts: this.prompts,
      usage: 'zt app open APP',
    })
    const {id, name, domains} = await showApplication(ctx, wanted)
    const url = addressOf({name, domains})
    this.print(url.href)
    const opened = this.prompts.possible && !this.jsonEnabled() && (await openAddress(url, process.env))
    if (this.prompts.possible && !this.jsonEnabled() && !opened)
      this.warn('This machine has no program that opens a browser')
    return {application: {id, name}, url: url.href, opened}
  }
}
