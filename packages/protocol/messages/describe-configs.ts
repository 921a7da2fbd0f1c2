import { array, bool, int8, int16, int32, message, type Of, string } from '../schema.ts'

export const DescribeConfigsRequest = message(
  'DescribeConfigsRequest',
  { key: 32, versions: '1-4', flexible: '4+', listeners: ['broker', 'controller'] },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string(), '0+', { nullable: '0+' }),
    }),
    includeSynonyms: bool('1+'),
    includeDocumentation: bool('3+'),
  },
)

export type DescribeConfigsRequest = Of<typeof DescribeConfigsRequest>

export const DescribeConfigsResponse = message(
  'DescribeConfigsResponse',
  { key: 32, versions: '1-4', flexible: '4+' },
  {
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: string('0+', '', { nullable: '0+' }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string('0+', '', { nullable: '0+' }),
        readOnly: bool(),
        configSource: int8('1+', -1, { ignorable: true }),
        isSensitive: bool(),
        synonyms: array(
          {
            name: string('1+'),
            value: string('1+', '', { nullable: '0+' }),
            source: int8('1+'),
          },
          '1+',
          { ignorable: true },
        ),
        configType: int8('3+', 0, { ignorable: true }),
        documentation: string('3+', '', { nullable: '0+', ignorable: true }),
      }),
    }),
  },
)

export type DescribeConfigsResponse = Of<typeof DescribeConfigsResponse>
