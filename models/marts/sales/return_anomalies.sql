-- Grain: one row per customer or product of which far more comes back than the shop's rates explain. Counts and money
-- add up within an entity type; rates, scores and the expected false alarms do not.
with

-- As doubles, because what follows multiplies them.
entities as (
    select
        entity_type,
        entity_id,
        cast(sold_count as double) as sold_count,
        cast(returned_count as double) as returned_count,
        refund_amount,
        usual_rate
    from {{ ref('int_return_rates') }}
    where is_judged
),

-- Entities differ more than chance says, by moments: the variance is (1 + (n - 1) x overdispersion) times the binomial
-- one. What lies beyond eight standard deviations counts as eight, so that the abnormal do not excuse themselves.
overdispersion as (
    select
        entity_type,
        count(*) as judged_count,
        least(greatest(
            cast(sum(cast(
                least(
                    power(returned_count - sold_count * usual_rate, 2) / (sold_count * usual_rate * (1 - usual_rate)), 64
                ) - 1 as decimal(28, 12)
            )) as double) / sum(sold_count - 1),
            0.002
        ), 0.2) as share
    from entities
    group by 1
),

-- A rate of one's own from Beta(a, b), so that returns are beta-binomial.
beta_shapes as (
    select
        entities.entity_type,
        entities.entity_id,
        entities.sold_count,
        entities.returned_count,
        entities.refund_amount,
        entities.usual_rate,
        overdispersion.judged_count,
        entities.usual_rate * (1 / overdispersion.share - 1) as a,
        (1 - entities.usual_rate) * (1 / overdispersion.share - 1) as b
    from entities
    inner join overdispersion
        on entities.entity_type = overdispersion.entity_type
    where entities.returned_count >= 3 and entities.returned_count > entities.sold_count * entities.usual_rate
),

-- The tail from k on is at most P(k) / (1 - r), where no later step P(x + 1) / P(x) is above r.
tail_bounds as (
    select
        *,
        greatest((a + returned_count) / (returned_count + 1), 1)
        * (sold_count - returned_count) / (b + sold_count - returned_count - 1) as later_step,
        exp(
            {{ log_gamma('sold_count + 1') }}
            - {{ log_gamma('returned_count + 1') }}
            - {{ log_gamma('sold_count - returned_count + 1') }}
            + {{ log_gamma('returned_count + a') }}
            + {{ log_gamma('sold_count - returned_count + b') }}
            - {{ log_gamma('sold_count + a + b') }}
            + {{ log_gamma('a + b') }}
            - {{ log_gamma('a') }}
            - {{ log_gamma('b') }}
        ) as chance_of_count
    from beta_shapes
    where b > 1
),

chances as (
    select
        *,
        case when later_step >= 1 then 1 else least(chance_of_count / (1 - later_step), 1) end as return_chance
    from tail_bounds
),

suspects as (
    select
        *,
        row_number() over (partition by entity_type order by return_chance, entity_id) as suspect_number
    from chances
    where return_chance <= 0.01
),

-- Benjamini and Hochberg (1995), as for order_anomalies, over all entities with lines enough.
cut_offs as (
    select
        entity_type,
        max(return_chance) as return_chance,
        max(return_chance) * max(judged_count) as expected_false_alarm_count
    from suspects
    where return_chance * judged_count <= {{ var('anomaly_false_share') }} * suspect_number
    group by 1
),

return_anomalies as (
    select
        suspects.entity_type,
        suspects.entity_id,
        cast(suspects.sold_count as integer) as sold_count,
        cast(suspects.returned_count as integer) as returned_count,
        suspects.returned_count / suspects.sold_count as return_rate,
        suspects.usual_rate,
        cast(suspects.refund_amount as decimal(18, 2)) as refund_amount,
        round(-ln(greatest(suspects.return_chance, 1e-12)) / ln(10), 6) as anomaly_score,
        cast(cast(suspects.returned_count as integer) as varchar) || ' of '
        || cast(cast(suspects.sold_count as integer) as varchar)
        || case when suspects.entity_type = 'customer' then ' purchases' else ' sales' end
        || ' came back, where the shop''s rates for ' || case when suspects.entity_type = 'customer' then 'such products' else 'its category' end
        || ' make ' || case
            when suspects.sold_count * suspects.usual_rate < 1 then 'less than 1'
            else cast(cast(round(suspects.sold_count * suspects.usual_rate) as integer) as varchar)
        end as reason,
        cut_offs.expected_false_alarm_count,
        {{ as_of_date() }} as as_of_date
    from suspects
    inner join cut_offs
        on
            suspects.entity_type = cut_offs.entity_type
            and suspects.return_chance <= cut_offs.return_chance
)

select * from return_anomalies
