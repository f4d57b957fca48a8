-- Grain: one row per model and split. Nothing adds up.
with

predictions as (
    select
        model,
        customer_id,
        snapshot_date,
        churn_probability as p,
        case when is_churned then 1 else 0 end as churned
    from {{ ref('churn_backtest') }}
),

ranked as (
    select
        model,
        snapshot_date,
        p,
        churned,
        -- Twice the mean rank of equal values: a whole number.
        2 * rank() over (partition by model order by p)
        + count(*) over (partition by model, p) - 1 as double_rank,
        row_number() over (partition by model order by p desc, customer_id asc) as rank_from_top,
        count(*) over (partition by model) as customers,
        ntile(10) over (partition by model order by p, customer_id) as bin,
        -- Nothing tells customers of one score apart, so that each carries what came true of that score: the mean over
        -- all orders of them (McSherry and Najork 2008, doi 10.1007/978-3-540-78646-7_38).
        avg(cast(churned as double)) over (partition by model, p) as churn_rate_of_score,
        count(*) over (partition by model, p) as customers_of_score
    from predictions
),

shared as (
    select
        model,
        p,
        bin,
        churn_rate_of_score,
        cast(count(*) over (partition by model, p, bin) as double) / customers_of_score as share_of_score
    from ranked
),

thresholds as (
    select
        model,
        p,
        sum(churned) as positives,
        sum(sum(churned)) over (partition by model order by p desc) as positives_above,
        sum(count(*)) over (partition by model order by p desc) as customers_above
    from ranked
    group by 1, 2
),

precisions as (
    select
        model,
        sum(cast(cast(positives as double) * positives_above / customers_above as decimal(28, 15)))
            as summed_precision
    from thresholds
    group by 1
),

bins as (
    select
        model,
        bin,
        abs(sum(cast(churn_rate_of_score - p as decimal(28, 15)))) as bin_error,
        -- Chance moves all customers of a score alike.
        sum(cast(share_of_score * p * (1 - p) as decimal(28, 15))) as bin_variance
    from shared
    group by 1, 2
),

calibration as (
    select
        model,
        sum(bin_error) as summed_error,
        -- What a normal variable of that variance is away from its mean, on average.
        sum(cast(sqrt(2 / pi() * cast(bin_variance as double)) as decimal(28, 15))) as summed_noise
    from bins
    group by 1
),

summed as (
    select
        model,
        snapshot_date,
        customers,
        sum(churned) as churners,
        cast(sum(case when churned = 1 then double_rank end) as double) / 2 as rank_sum,
        sum(cast((p - churned) * (p - churned) as decimal(28, 15))) as squared_error,
        sum(cast(-ln(greatest(case when churned = 1 then p else 1 - p end, 0.000001)) as decimal(28, 15)))
            as negative_log_likelihood,
        sum(case
            when rank_from_top <= greatest(floor(customers / 10), 1) then cast(churn_rate_of_score as decimal(28, 15))
        end) as churners_on_top
    from ranked
    group by 1, 2, 3
),

measured as (
    select
        summed.model,
        summed.snapshot_date,
        summed.customers,
        summed.churners,
        cast(summed.churners as double) / summed.customers as base_rate,
        (summed.rank_sum - cast(summed.churners as double) * (summed.churners + 1) / 2)
        / nullif(cast(summed.churners as double) * (summed.customers - summed.churners), 0) as auc,
        cast(precisions.summed_precision as double) / nullif(summed.churners, 0) as average_precision,
        cast(summed.negative_log_likelihood as double) / summed.customers as log_loss,
        cast(summed.squared_error as double) / summed.customers as brier_score,
        cast(calibration.summed_error as double) / summed.customers as calibration_error,
        cast(calibration.summed_noise as double) / summed.customers as calibration_noise,
        cast(summed.churners_on_top as double) / greatest(floor(summed.customers / 10), 1)
        / nullif(cast(summed.churners as double) / summed.customers, 0) as top_decile_lift
    from summed
    inner join precisions
        on summed.model = precisions.model
    inner join calibration
        on summed.model = calibration.model
),

churn_parameters as (
    select
        model_version,
        fit,
        model,
        parameter_type,
        feature,
        value,
        note
    from {{ ref('churn_parameters') }}
),

-- On the past dates that the choice of the model in use was made on.
past as (
    select
        model,
        max(case when feature = 'mean' then value end) as skill,
        max(case when feature = 'low' then value end) as skill_low,
        max(case when feature = 'high' then value end) as skill_high
    from churn_parameters
    where fit = 'production' and parameter_type = 'skill'
    group by 1
),

best_baseline as (
    select
        min(measured.log_loss) as log_loss,
        min(measured.brier_score) as brier_score,
        max(case when measured.model = 'constant' then measured.brier_score end) as constant_brier_score,
        max(past.skill) as past_skill
    from measured
    left join past
        on measured.model = past.model
    where measured.model != 'churn'
),

churn_status as (
    select
        model_version,
        max(case when fit = 'production' and parameter_type = 'status' then feature end) as production_status,
        max(case when fit = 'backtest' and parameter_type = 'status' then feature end) as status,
        max(case when fit = 'backtest' and parameter_type = 'status' then note end) as note,
        1 - max(case when fit = 'backtest' and feature = 'rolling_log_loss_trees' then value end)
        / max(case when fit = 'backtest' and feature = 'rolling_log_loss_logit' then value end) as challenger_gain
    from churn_parameters
    where model = 'churn'
    group by 1
),

model_scorecard as (
    select
        coalesce(measured.model, 'churn') as model,
        churn_status.model_version,
        'test' as split,
        measured.snapshot_date as test_date,
        case
            when measured.model is null then 'insufficient_history'
            when measured.model = 'churn' and churn_status.production_status = 'no_skill' then 'no_skill'
            else 'scored'
        end as score_status,
        case
            when measured.model = 'churn' and churn_status.production_status = 'no_skill'
                then 'on past dates no form of the model told better who leaves than the share who do'
            when measured.model is not null then null
            when churn_status.status in ('trained', 'no_skill') then 'no customer can be tested'
            else churn_status.note
        end as score_reason,
        measured.auc,
        measured.average_precision,
        measured.log_loss,
        measured.brier_score,
        1 - measured.brier_score / nullif(best_baseline.constant_brier_score, 0) as skill,
        past.skill as past_skill,
        past.skill_low as past_skill_low,
        past.skill_high as past_skill_high,
        measured.calibration_error,
        measured.calibration_noise,
        measured.top_decile_lift,
        cast(coalesce(measured.customers, 0) as integer) as customers,
        measured.base_rate,
        case
            when measured.model is null or measured.model != 'churn' then null
            when not coalesce(past.skill_low > 0 and past.skill > best_baseline.past_skill, false) then 'C'
            when
                measured.log_loss < best_baseline.log_loss
                and measured.brier_score < best_baseline.brier_score
                then 'A'
            else 'B'
        end as grade,
        case when measured.model = 'churn' then churn_status.note end as form,
        case when measured.model = 'churn' then churn_status.challenger_gain end as challenger_gain,
        {{ as_of_date() }} as as_of_date
    from churn_status
    cross join best_baseline
    -- Without a customer to test, the status alone.
    left join measured
        on churn_status.model_version is not null
    left join past
        on measured.model = past.model
)

select * from model_scorecard
