-- Prevents: ten euros and a thousand yen added up. A currency with a rate in the seed `exchange_rates` is
-- converted, one that is the shop's own (key `currency` of the mapping) needs none.
-- With the other alarms that stop a build, not before them: depends_on {{ ref('build_facts') }}
{%- set own_currency = (var('shop') or {}).get('currency', '') | string | upper %}
with

order_rows as (
    select
        currency,
        line_amount
    from {{ ref('base_shop__orders') }}
    where record_status != 'rejected' and currency is not null
),

exchange_rates as (
    select upper(currency) as currency
    from {{ ref('exchange_rates') }}
),

counted as (
    select
        upper(currency) as currency,
        count(*) as record_count,
        sum(line_amount) as amount
    from order_rows
    group by 1
),

totals as (
    select sum(record_count) as record_count
    from counted
),

foreign_currencies as (
    select
        counted.currency,
        counted.record_count,
        counted.amount,
        cast(counted.record_count as double) / totals.record_count as share,
        count(*) over () as currency_count
    from counted
    cross join totals
    where
        counted.currency != '{{ own_currency }}'
        and counted.currency not in (select exchange_rates.currency from exchange_rates)
)

select
    'several_currencies' as alarm,
    'orders' as entity,
    currency as detail,
    record_count,
    amount,
    share
from foreign_currencies
-- A shop that does not name its own currency may have one.
where currency_count > {{ 0 if own_currency else 1 }}
