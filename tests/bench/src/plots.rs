//! Plots as SVG.

use crate::report::{Plot, Section};
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (720, 400);
const LEGEND: i32 = 20;
/// Colours that people tell apart who do not see all of them (Okabe and Ito).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// Draws every plot into `folder`.
pub(crate) fn draw_all(folder: &Path, sections: &[Section]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for plot in sections.iter().flat_map(|section| &section.plots) {
        let svg = draw(plot).map_err(|error| anyhow!("{}: {error}", plot.name))?;
        std::fs::write(folder.join(format!("{}.svg", plot.name)), svg)?;
    }
    Ok(())
}

fn draw(plot: &Plot) -> Result<String, Box<dyn std::error::Error>> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let points = || plot.lines.iter().flat_map(|line| &line.points);
        let most = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(f64::MIN_POSITIVE, f64::max);
        let (right, top) = (most(|point| point.0) * 1.02, most(|point| point.1) * 1.15);
        let mut chart = ChartBuilder::on(&area)
            .caption(&plot.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..right, 0.0..top)?;
        chart
            .configure_mesh()
            .x_desc(plot.x)
            .y_desc(plot.y)
            .x_label_formatter(&label)
            .y_label_formatter(&label)
            .light_line_style(WHITE.mix(0.0))
            .draw()?;
        for (line, colour) in plot.lines.iter().zip(COLOURS.iter().cycle()) {
            let style = ShapeStyle::from(colour).stroke_width(2);
            chart
                .draw_series(LineSeries::new(line.points.clone(), style).point_size(3))?
                .label(&line.label)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + LEGEND, y)], style));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

/// A number on an axis, without needless digits.
fn label(value: &f64) -> String {
    if (value - value.round()).abs() < 1e-6 { format!("{value:.0}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Line;

    #[test]
    fn every_line_is_drawn_with_its_name() {
        let line = |label: &str| Line { label: label.to_owned(), points: vec![(1.0, 2.0), (8.0, 3.0)] };
        let lines = vec![line("gate"), line("relay")];
        let plot = Plot { name: "p", title: "Cost".to_owned(), x: "clients", y: "seconds", lines };
        let svg = draw(&plot).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.matches("<polyline").count() >= 2);
        for text in ["gate", "relay", "Cost", "clients", "seconds"] {
            assert!(svg.contains(text), "{text} is missing");
        }
    }
}
