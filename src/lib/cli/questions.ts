/**
 * The kinds of question that {@link Prompts} asks. The build packs only these: the library's editor brings tables of every
 * text encoding, larger than all the others together.
 */
export {checkbox, confirm, input, password, search, select} from '@inquirer/prompts'
