/** What the sandbox uses of GraphQL's library. The build packs only this. */
export {
  buildSchema,
  executeSync,
  getDirectiveValues,
  GraphQLError,
  GraphQLFloat,
  GraphQLID,
  GraphQLIncludeDirective,
  GraphQLInt,
  GraphQLSchema,
  GraphQLSkipDirective,
  Kind,
  parse,
  specifiedRules,
  validate,
  VariablesInAllowedPositionRule,
} from 'graphql'
